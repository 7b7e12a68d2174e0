#pragma once
// A callback that is called at most once and may own move-only things (std::function cannot).

#include <memory>
#include <type_traits>
#include <utility>

namespace nacre {

template <class Signature>
class unique_function;

template <class... Args>
class unique_function<void(Args...)> {
 public:
  unique_function() = default;
  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, unique_function> && std::is_invocable_v<F&, Args...>)
      unique_function(F&& f)  // NOLINT(google-explicit-constructor): reads like a lambda at the call site
      : impl_(std::make_unique<model<std::decay_t<F>>>(std::forward<F>(f))) {}

  explicit operator bool() const noexcept { return impl_ != nullptr; }

  // Consumes the callback: a second call is a defect and aborts in the null dereference.
  void operator()(Args... args) {
    auto impl = std::move(impl_);
    impl->call(std::forward<Args>(args)...);
  }

 private:
  struct concept_t {
    virtual ~concept_t() = default;
    virtual void call(Args... args) = 0;
  };
  template <class F>
  struct model final : concept_t {
    explicit model(F f) : f_(std::move(f)) {}
    void call(Args... args) override { f_(std::forward<Args>(args)...); }
    F f_;
  };
  std::unique_ptr<concept_t> impl_;
};

}  // namespace nacre
