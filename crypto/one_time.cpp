#include "crypto/one_time.hpp"

#include <cryptopp/misc.h>

#include <algorithm>
#include <array>
#include <vector>

#include "crypto/base62.hpp"
#include "crypto/random.hpp"

namespace nacre::crypto {
namespace {

constexpr std::size_t identifier_bytes = 32;
static_assert(identifier_chars == base62_chars(identifier_bytes));

// Two spellings of each set: all of it, and without what is easily taken for another character.
struct alphabet {
  std::string_view all;
  std::string_view clear;
};
constexpr alphabet uppercase_letters{"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ABCDEFGHJKLMNPQRSTUVWXYZ"};
constexpr alphabet lowercase_letters{"abcdefghijklmnopqrstuvwxyz", "abcdefghjkmnpqrstuvwxyz"};
constexpr alphabet digits{"0123456789", "23456789"};
constexpr alphabet punctuation{"!#$%&()*+,-./:;<=>?@[]^_{|}~", "!#$%&()*+,-./:;<=>?@[]^_{}~"};

std::vector<std::string_view> chosen(character_sets sets) {
  if (!sets.uppercase && !sets.lowercase && !sets.numbers && !sets.symbols)
    sets.uppercase = sets.lowercase = sets.numbers = true;
  std::vector<std::string_view> out;
  const auto add = [&](bool wanted, const alphabet& from) {
    if (wanted) out.push_back(sets.exclude_ambiguous ? from.clear : from.all);
  };
  add(sets.uppercase, uppercase_letters);
  add(sets.lowercase, lowercase_letters);
  add(sets.numbers, digits);
  add(sets.symbols, punctuation);
  return out;
}

// Numbers below a bound of at most 256, each equally likely: bytes beyond the last full multiple are thrown away.
class random_numbers {
 public:
  std::size_t below(std::size_t end) {
    for (const std::size_t usable = 256 - 256 % end;;) {
      if (at_ == pool_.size()) {
        fill_random({pool_.data(), pool_.size()});
        at_ = 0;
      }
      const std::size_t byte = pool_.data()[at_++];
      if (byte < usable) return byte % end;
    }
  }

 private:
  secure_bytes pool_{64};
  std::size_t at_ = 64;
};

}  // namespace

secure_bytes make_identifier() {
  secure_bytes text(identifier_chars);
  write_base62(random_bytes(identifier_bytes).view(), reinterpret_cast<char*>(text.data()));
  return text;
}

secure_bytes identifier_from(const keyring& keys, std::string_view label, std::string_view identifier) {
  digest bytes = keys.link_lookup(label, identifier);
  static_assert(std::tuple_size_v<digest> == identifier_bytes);
  secure_bytes text(identifier_chars);
  write_base62({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, reinterpret_cast<char*>(text.data()));
  CryptoPP::SecureWipeArray(bytes.data(), bytes.size());
  return text;
}

bool is_identifier(std::string_view text) {
  secure_bytes value(identifier_bytes);
  return read_base62(text, value.data(), value.size());
}

secure_bytes make_password(std::size_t length, character_sets sets) {
  const auto from = chosen(sets);
  std::array<char, 128> letters;
  std::size_t count = 0;
  for (const auto set : from) count += set.copy(letters.data() + count, letters.size() - count);

  random_numbers random;
  secure_bytes password(length);
  const auto text = password.view();
  const auto has_one_of = [text](std::string_view set) { return text.find_first_of(set) != std::string_view::npos; };
  // Drawing all anew until it fits, rather than placing one of each first, keeps fitting passwords equally likely.
  // The worst case, four characters of four sets, takes some 20 draws; usual lengths seldom a second one.
  do {
    for (std::size_t i = 0; i < length; ++i)
      password.data()[i] = static_cast<std::uint8_t>(letters[random.below(count)]);
  } while (length >= from.size() && !std::all_of(from.begin(), from.end(), has_one_of));
  return password;
}

}  // namespace nacre::crypto
