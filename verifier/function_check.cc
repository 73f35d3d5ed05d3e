#include "verifier/function_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sync/resp/encoder.h"
#include "verifier/held_reader.h"
#include "verifier/parallel.h"

namespace lockstep::verifier {

namespace {

constexpr uint32_t functions_since = 70000;
constexpr milliseconds look_pause{100};
constexpr int look_attempts = 200;

/// The value that follows a name in a flat list of names and values.
Bytes field_of(const resp::Value& library, Bytes name) {
  for (size_t i = 0; i + 1 < library.items.size(); i += 2) {
    if (library.items[i].text == name) return library.items[i + 1].text;
  }
  return {};
}

void take(const resp::Value& reply, NodeLibraries& result) {
  if (reply.is_error())
    throw UserError(
        fmt::format("{}: its functions cannot be read: {}; comparing them needs "
                    "+function|list, or give --no-functions",
                    result.node, reply.text));
  for (const resp::Value& library : reply.items)
    result.code[std::string(field_of(library, "library_name"))] = field_of(library, "library_code");
}

NodeLibraries nothing_yet(const Node& node) {
  return {node.endpoint.label(), node.version_number >= functions_since, {}};
}

asio::awaitable<NodeLibraries> read_node(Node& node) {
  NodeLibraries result = nothing_yet(node);
  if (!result.known) co_return result;
  std::vector<std::string> request{"FUNCTION", "LIST", "WITHCODE"};
  const resp::Value reply = co_await node.client->command(std::move(request));
  take(reply, result);
  co_return result;
}

std::string where_they_differ(Bytes source, Bytes target) {
  const auto [s, t] = std::mismatch(source.begin(), source.end(), target.begin(), target.end());
  return fmt::format("its code differs from byte {} on ({} and {} bytes)", s - source.begin(),
                     source.size(), target.size());
}

Difference difference_of(const std::string& name, std::string detail) {
  Difference difference;
  difference.diff_class = DiffClass::function;
  difference.key = name;
  difference.source_type = difference.target_type = "library";
  difference.detail = std::move(detail);
  return difference;
}

/// As the source has it; nodes of a cluster must agree.
struct Wanted {
  const NodeLibraries* node = nullptr;
  const std::string* code = nullptr;
};

std::string wrong_on(const NodeLibraries& node, const std::string& name, const Wanted& wanted) {
  const auto found = node.code.find(name);
  if (!node.known) return "the version of " + node.node + " knows no functions";
  if (found == node.code.end()) return node.node + " does not have it";
  if (found->second == *wanted.code) return "";
  return node.node + ": " + where_they_differ(*wanted.code, found->second);
}

}  // namespace

asio::awaitable<std::vector<NodeLibraries>> read_libraries(Side& side) {
  std::vector<NodeLibraries> all;
  for (size_t i = 0; i < side.node_count(); ++i) all.push_back(co_await read_node(side.node(i)));
  co_return all;
}

std::vector<Difference> compare_libraries(const std::vector<NodeLibraries>& source,
                                          const std::vector<NodeLibraries>& target) {
  std::map<std::string, Wanted> wanted;
  std::map<std::string, Difference> found;
  for (const NodeLibraries& node : source) {
    for (const auto& [name, code] : node.code) {
      Wanted& first = wanted.try_emplace(name, Wanted{&node, &code}).first->second;
      if (*first.code == code) continue;
      found.try_emplace(name,
                        difference_of(name, fmt::format("{} and {} of the source do not have "
                                                        "the same: {}",
                                                        first.node->node, node.node,
                                                        where_they_differ(*first.code, code))));
    }
  }
  for (const NodeLibraries& node : target) {
    for (const auto& [name, first] : wanted) {
      const std::string detail = wrong_on(node, name, first);
      if (detail.empty()) continue;
      const auto made = found.try_emplace(name, difference_of(name, detail));
      if (made.second && !node.known) made.first->second.explained = Explained::unsupported;
    }
    for (const auto& [name, code] : node.code) {
      if (wanted.contains(name)) continue;
      const auto made = found.try_emplace(
          name, difference_of(name, node.node + " has it, and the source does not"));
      made.first->second.source_type = "none";
    }
  }
  std::vector<Difference> differences;
  for (auto& [name, difference] : found) differences.push_back(std::move(difference));
  return differences;
}

namespace {

void tell(const std::vector<NodeLibraries>& wanted, std::vector<Difference> differences,
          VerifyReport& report, DifferenceLog& log) {
  std::set<std::string> names;
  for (const NodeLibraries& node : wanted) {
    for (const auto& [name, code] : node.code) names.insert(name);
  }
  report.libraries_compared = names.size();
  for (Difference& each : differences) log.add(std::move(each));
}

/// The libraries of a node, and the offset at which it had them: nothing was written between two
/// looks at that, which go out together.
asio::awaitable<StreamPosition> read_with_position(Node& node, NodeLibraries& libraries) {
  StreamPosition position = co_await stream_position(node);
  libraries = nothing_yet(node);
  if (!libraries.known) co_return position;
  constexpr size_t count = 3;
  for (int attempt = 0; attempt < look_attempts; ++attempt) {
    std::string requests;
    resp::append_command(requests, {"INFO", "replication"});
    resp::append_command(requests, {"FUNCTION", "LIST", "WITHCODE"});
    resp::append_command(requests, {"INFO", "replication"});
    const auto replies = co_await node.client->pipeline(std::move(requests), count);
    const uint64_t before = info_number(replies[0].text, "master_repl_offset");
    const uint64_t after = info_number(replies[2].text, "master_repl_offset");
    if (before != after) continue;
    take(replies[1], libraries);
    position.offset = {static_cast<int64_t>(after)};
    co_return position;
  }
  throw CutFailed(
      fmt::format("{} is written to so often that its functions cannot be read at one "
                  "position",
                  node.endpoint.label()));
}

asio::awaitable<void> read_held(Side& source, Side& target, EngineControl& engine,
                                OnLibraries on_read) {
  std::vector<NodeLibraries> wanted;
  std::map<std::string, Offset> positions;
  for (size_t i = 0; i < source.node_count(); ++i) {
    wanted.emplace_back();
    const StreamPosition position = co_await read_with_position(source.node(i), wanted.back());
    positions[position.replid] = position.offset;
  }
  co_await engine.advance(std::move(positions));
  std::vector<NodeLibraries> there = co_await read_libraries(target);
  co_await on_read(std::move(wanted), std::move(there));
}

}  // namespace

asio::awaitable<void> read_libraries_held(Side& source, Side& target, EngineControl& engine,
                                          OnLibraries on_read) {
  std::exception_ptr failure;
  try {
    co_await engine.hold();
    co_await read_held(source, target, engine, std::move(on_read));
    co_await engine.release();
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return;
  co_await engine.give_up();
  std::rethrow_exception(failure);
}

asio::awaitable<void> check_functions(Side& source, Side& target, QuietWatch& quiet,
                                      const VerifyOptions& options, VerifyReport& report,
                                      DifferenceLog& log) {
  const Clock::time_point end = Clock::now() + options.settle;
  std::vector<NodeLibraries> wanted;
  std::vector<Difference> differences;
  for (;;) {
    wanted = co_await read_libraries(source);
    const std::vector<NodeLibraries> there = co_await read_libraries(target);
    if (std::none_of(wanted.begin(), wanted.end(), [](auto& node) { return node.known; }))
      co_return;
    differences = compare_libraries(wanted, there);
    if (differences.empty()) break;
    const bool unchanged = co_await quiet.look();
    if (unchanged && quiet.quiet_for(options.confirm_quiet)) break;
    if (Clock::now() >= end) break;
    co_await pause_for(look_pause);
  }
  tell(wanted, std::move(differences), report, log);
}

namespace {

using BothLibraries = std::pair<std::vector<NodeLibraries>, std::vector<NodeLibraries>>;

asio::awaitable<void> keep(BothLibraries& place, BothLibraries read) {
  place = std::move(read);
  co_return;
}

}  // namespace

asio::awaitable<void> check_functions_at_position(Side& source, Side& target, EngineControl& engine,
                                                  VerifyReport& report, DifferenceLog& log) {
  BothLibraries read;
  const OnLibraries on_read = [&read](auto wanted, auto there) {
    return keep(read, {std::move(wanted), std::move(there)});
  };
  co_await read_libraries_held(source, target, engine, on_read);
  const auto& [wanted, there] = read;
  if (std::none_of(wanted.begin(), wanted.end(), [](auto& node) { return node.known; })) co_return;
  tell(wanted, compare_libraries(wanted, there), report, log);
}

}  // namespace lockstep::verifier
