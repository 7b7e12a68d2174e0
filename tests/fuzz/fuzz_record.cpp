// Any bytes as any record: what decodes is written back as the same bytes. The first byte picks the record.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/audit.hpp"
#include "model/records.hpp"
#include "model/secret_records.hpp"
#include "model/webhook_records.hpp"
#include "tests/fuzz/check.hpp"

namespace {

using namespace nacre::model;

template <class Record>
void same(std::string_view bytes) {
  auto record = decode<Record>(bytes);
  if (!record) return;
  NACRE_FUZZ_CHECK(encode(*record) == bytes);
  if constexpr (std::is_same_v<Record, audit_head>) {  // whatever decodes can be appended to
    (void)root(*record);
    append_leaf(*record, leaf_hash(bytes));
    NACRE_FUZZ_CHECK(decode<audit_head>(encode(*record)) == *record);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 19) {
    case 0:
      same<workspace_record>(bytes);
      break;
    case 1:
      same<member_record>(bytes);
      break;
    case 2:
      same<service_user_record>(bytes);
      break;
    case 3:
      same<project_record>(bytes);
      break;
    case 4:
      same<pat_record>(bytes);
      break;
    case 5:
      same<budget_record>(bytes);
      break;
    case 6:
      same<audit_head>(bytes);
      break;
    case 7:
      same<audit_row>(bytes);
      break;
    case 8:
      same<held_secret>(bytes);
      break;
    case 9:
      same<receipt_record>(bytes);
      break;
    case 10:
      same<claim_record>(bytes);
      break;
    case 11:
      same<pat_claim_record>(bytes);
      break;
    case 12:
      same<attempts_record>(bytes);
      break;
    case 13:
      same<partition_record>(bytes);
      break;
    case 14:
      same<webhook_record>(bytes);
      break;
    case 15:
      same<webhook_list>(bytes);
      break;
    case 16:
      same<webhook_progress>(bytes);
      break;
    case 17:
      same<delivery_record>(bytes);
      break;
    default:
      same<ask_record>(bytes);
  }
  return 0;
}
