#include "http/families/unleash/tokens.hpp"

#include "http/families/unleash/flow.hpp"

namespace nacre::http::unleash {

namespace {

checked<token_holder> oneself(const call& c, const model::view&, const model::standing& who) {
  return token_holder{c.ctx.who.user, who.me.number};
}

}  // namespace

void list_own_tokens(call_ptr c) {
  as_user(std::move(c), [](call_ptr mine, const model::view& v, const model::standing& who) {
    list_tokens(std::move(mine), v, who, oneself);
  });
}

void create_own_token(call_ptr c) {
  as_user(std::move(c), [](call_ptr mine, const model::view& v, const model::standing& who) {
    create_token(std::move(mine), v, who, oneself);
  });
}

void delete_own_token(call_ptr c) {
  as_user(std::move(c), [](call_ptr mine, const model::view& v, const model::standing& who) {
    delete_token(std::move(mine), v, who, oneself, {0, "id"});
  });
}

void rotate_own_token(call_ptr c) {
  as_user(std::move(c), [](call_ptr mine, const model::view& v, const model::standing& who) {
    rotate_token(std::move(mine), v, who, oneself, {0, "id"});
  });
}

void who_am_i(call_ptr c) {
  as_user(std::move(c), [](call_ptr mine, const model::view&, const model::standing& who) {
    auto id = mine->ctx.who.user;
    answer(std::move(mine), caller(who, id));
  });
}

}  // namespace nacre::http::unleash
