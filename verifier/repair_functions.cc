// The part of Repairer that mends libraries of functions.

#include "verifier/function_check.h"
#include "verifier/repairer.h"

namespace lockstep::verifier {

namespace {

using Action = RepairStep::Action;

Action action_of(const LibraryStep& step) { return step.code ? Action::write : Action::remove; }

}  // namespace

asio::awaitable<void> Repairer::mend_functions() {
  if (libraries_.empty()) co_return;
  const RepairReport before = report_;
  std::exception_ptr failure;
  try {
    if (engine_) {
      const OnLibraries on_read = [this](auto source, auto target) {
        return carry_out_libraries(plan_libraries(libraries_, source, target));
      };
      co_await read_libraries_held(source_, target_, *engine_, on_read);
    } else {
      const std::vector<NodeLibraries> source = co_await read_libraries(source_);
      const std::vector<NodeLibraries> target = co_await read_libraries(target_);
      co_await carry_out_libraries(plan_libraries(libraries_, source, target));
    }
  } catch (const ConnectionError&) {  // done again
    failure = std::current_exception();
  }
  if (!failure) co_return;
  take_back(before);
  std::rethrow_exception(failure);
}

asio::awaitable<void> Repairer::carry_out_libraries(LibraryPlan plan) {
  std::map<std::string, Action> actions = sent_libraries_;
  for (const LibraryStep& step : plan.steps) actions[step.name] = action_of(step);
  if (!repair_.dry_run) {
    auto refused = co_await write_libraries(std::move(plan.steps));
    plan.impossible.merge(refused);
  }
  for (const auto& [name, extra] : libraries_) {
    if (const auto why = plan.impossible.find(name); why != plan.impossible.end()) {
      leave("library " + name, why->second);
    } else {
      count(actions[name]);
    }
  }
}

/// A function's name is free only once the library that has it by now is gone or replaced: what is
/// refused is tried again as long as others are taken.
asio::awaitable<std::map<std::string, std::string>> Repairer::write_libraries(
    std::vector<LibraryStep> steps) {
  std::map<std::string, std::string> refused;
  for (size_t before = steps.size() + 1; !steps.empty() && steps.size() < before;) {
    before = steps.size();
    refused.clear();
    std::vector<LibraryStep> left;
    for (LibraryStep& step : steps) {
      const std::string why = co_await write_one_library(step);
      if (why.empty()) continue;
      refused[step.name] = why;
      left.push_back(std::move(step));
    }
    steps = std::move(left);
  }
  co_return refused;
}

asio::awaitable<std::string> Repairer::write_one_library(const LibraryStep& step) {
  open_journal();
  journal_->add({.db = DbIndex{0},
                 .key = step.name,
                 .diff_class = DiffClass::function,
                 .old_payload = step.old_code,
                 .old_expire_at = std::nullopt,
                 .written = library_state(step.code),
                 .node = target_.node(step.node).endpoint.label()});
  journal_->sync();
  if (engine_) co_await engine_->require_time_left();
  std::string why = co_await write_library(target_.node(step.node), step.name, step.code);
  if (why.empty()) sent_libraries_[step.name] = action_of(step);
  co_return why;
}

}  // namespace lockstep::verifier
