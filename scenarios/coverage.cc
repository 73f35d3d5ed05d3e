#include "scenarios/coverage.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "fixtures/poll_until.h"
#include "scenarios/families.h"
#include "scenarios/server_facts.h"

namespace lockstep::scenarios {

using nlohmann::json;

namespace {

/// A field of INFO, and which event it counts.
struct Counter {
  const char* field;
  const char* event;
};
constexpr Counter counters[] = {
    {"expired_keys", "expired"},           {"rdb_changes_since_last_save", "written"},
    {"expired_subkeys", "fields_expired"}, {"expired_fields", "fields_expired"},
    {"evicted_keys", "evicted"},
};

uint64_t number_of(const std::string& text) { return std::strtoull(text.c_str(), nullptr, 10); }

/// A counter that is smaller than it was began anew in between: a snapshot resets the number of
/// changes to those since it was begun.
uint64_t growth(const Coverage& before, const Coverage& after, const std::string& name) {
  const auto of = [&](const Coverage& counts) {
    const auto found = counts.find(name);
    return found == counts.end() ? uint64_t{0} : found->second;
  };
  return of(after) >= of(before) ? of(after) - of(before) : of(after);
}

}  // namespace

asio::awaitable<Coverage> CoverageWatch::sample() const {
  Coverage sum;
  for (const fixtures::Server* server : source_.primaries()) {
    auto fields = co_await info_of(server->endpoint(), "all");
    for (const Counter& counter : counters) sum[counter.event] += number_of(fields[counter.field]);
  }
  co_return sum;
}

asio::awaitable<void> CoverageWatch::watch_copy(const bool& busy) {
  constexpr std::chrono::milliseconds interval{5};
  first_ = co_await sample();
  Coverage last = first_;
  bool copying = co_await tool_.copying();
  while (copying) {
    // What lies between two answers "I copy" has happened during the copy.
    Coverage now = co_await sample();
    if (!busy) co_return;
    copying = co_await tool_.copying();
    note_left_out(coverage_of_engine(tool_.last_status()), found_);
    if (!copying) break;
    for (const char* event : {"expired", "written"})
      found_[std::string(event) + "_in_copy"] += growth(last, now, event);
    last = std::move(now);
    co_await fixtures::pause(interval);
  }
  copied_ = co_await sample();
}

asio::awaitable<Coverage> CoverageWatch::end() {
  const Coverage now = co_await sample();
  for (const char* event : {"expired", "written"}) {
    if (!copied_.empty()) found_[std::string(event) + "_following"] = growth(copied_, now, event);
  }
  for (const char* event : {"fields_expired", "evicted"})
    found_[event] = growth(first_, now, event);
  co_return std::move(found_);
}

Coverage coverage_of_clients(const ExecutionStats& clients,
                             const std::vector<std::string>& families) {
  const auto successes = [&](const std::vector<std::string>& commands) {
    uint64_t sum = 0;
    for (const std::string& command : commands) {
      const auto found = clients.succeeded.find(command);
      if (found != clients.succeeded.end()) sum += found->second;
    }
    return sum;
  };
  Coverage found{{"scripts", successes({"EVAL", "EVALSHA"})},
                 {"functions", successes({"FCALL"})},
                 {"flushes", successes({"FLUSHALL", "FLUSHDB"})},
                 {"executed", successes({"EXEC"})},
                 {"blocked", clients.served}};
  for (const std::string& family : families) found["succeeded"] += successes(commands_of(family));
  return found;
}

void combine_coverage(Coverage& coverage) {
  coverage["client_transactions"] = std::min(
      coverage["executed"], coverage["transactions"] -
                                std::min(coverage["transactions"], coverage["transactions_split"]));
}

Coverage coverage_of_engine(const std::string& status) {
  Coverage found;
  const json root = json::parse(status, nullptr, false);
  if (!root.is_object()) return found;
  for (const json& link : root.value("links", json::array())) {
    for (const char* name : {"restored", "rebuilt", "commands", "transactions",
                             "transactions_split", "splits", "fences", "rewritten", "unknown"})
      found[name] += link.value(name, uint64_t{0});
    const json left_out = link.value("unsupported", json::object());
    for (const char* name : {"keys", "functions", "commands"})
      found["left_out"] += left_out.value(name, uint64_t{0});
    found["left_out_functions"] += left_out.value("functions", uint64_t{0});
    for (const char* name : {"streams", "field_expiry", "modules", "databases"})
      found[std::string("left_out_") + name] += left_out.value(name, uint64_t{0});
  }
  return found;
}

void note_left_out(const Coverage& engine, Coverage& most) {
  for (const auto& [event, times] : engine) {
    if (event.starts_with("left_out_")) most[event] = std::max(most[event], times);
  }
}

void add_engine(const std::string& status, Coverage& coverage) {
  const Coverage engine = coverage_of_engine(status);
  note_left_out(engine, coverage);
  for (const auto& [event, times] : engine) {
    if (!event.starts_with("left_out_")) coverage[event] += times;
  }
}

}  // namespace lockstep::scenarios
