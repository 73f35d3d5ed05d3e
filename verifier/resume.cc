#include "verifier/resume.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sync/base/error.h"
#include "verifier/base64.h"
#include "verifier/report_json.h"
#include "verifier/report_read.h"

namespace lockstep::verifier {

using nlohmann::json;

namespace {

/// What decides the result.
std::string identity(const VerifyOptions& options, const VerifyReport& report) {
  const ScopeOptions& scope = options.scope;
  return fmt::format(
      "from {} to {} topologies {} {} read {} tolerance {} ms grace {} ms db [{}] match '{}' type "
      "'{}' slots '{}' part '{}' sample '{}' keys '{}' report '{}' cut {}",
      fmt::join(report.source.urls, ","), fmt::join(report.target.urls, ","), options.from_topology,
      options.to_topology, static_cast<int>(options.read), options.expiry_tolerance.count(),
      options.expiry_grace.count(), fmt::join(scope.db, ","), printable(scope.match), scope.type,
      scope.slots, scope.part, scope.sample, printable(scope.keys),
      printable(options.report.string()), static_cast<int>(options.cut));
}

json nodes_json(const Side& side) {
  json nodes = json::array();
  for (size_t i = 0; i < side.node_count(); ++i)
    nodes.push_back({side.node(i).endpoint.label(), side.node(i).run_id});
  nodes.push_back(side.ownership());
  return nodes;
}

json counters_json(const ReadCounters& counters) {
  return {{"keys", counters.keys},
          {"bytes", counters.bytes},
          {"functions", counters.functions},
          {"population", counters.population}};
}

ReadCounters counters_of(const json& counters) {
  return {.keys = counters.at("keys"),
          .bytes = counters.at("bytes"),
          .functions = counters.at("functions"),
          .population = counters.at("population")};
}

json positions_json(const std::vector<ScanPosition>& positions) {
  json list = json::array();
  for (const ScanPosition& each : positions)
    list.push_back({{"db", each.db.value}, {"cursor", each.cursor}, {"done", each.done}});
  return list;
}

std::vector<ScanPosition> positions_of(const json& list) {
  std::vector<ScanPosition> positions;
  for (const json& each : list)
    positions.push_back(
        {DbIndex{each.at("db").get<uint32_t>()}, each.at("cursor"), each.at("done")});
  return positions;
}

}  // namespace

Resume::Resume(const VerifyOptions& options, Side& source, Side& target, Matcher& matcher,
               Pass& pass, QuietWatch& quiet, VerifyReport& report, DifferenceLog& log)
    : options_(options),
      sides_{&source, &target},
      matcher_(matcher),
      pass_(pass),
      quiet_(quiet),
      report_(report),
      log_(log) {}

bool Resume::load() {
  if (options_.state.empty()) return false;
  file_.emplace(options_.state, identity(options_, report_));
  const auto state = file_->load();
  if (!state) {
    log_.resume_at(0);
    for (const SideName side : {SideName::source, SideName::target}) matcher_.resume(side, {});
    return false;
  }
  if (state->at("nodes") != json{nodes_json(*sides_[0]), nodes_json(*sides_[1])}) {
    throw UserError(
        fmt::format("--state {}: a server has restarted or the topology has changed "
                    "since, so what was read cannot be continued: remove the file to "
                    "begin anew",
                    options_.state.string()));
  }
  loaded_ = true;
  restore(*state);
  return state->at("read");
}

void Resume::restore(const json& state) {
  const int64_t started = report_.started_ms;
  const VerifyReport fresh = report_;
  report_ = parse_report(state.at("report").dump(), options_.state.string());
  report_.started_ms = started;
  report_.source.nodes = fresh.source.nodes;
  report_.target.nodes = fresh.target.nodes;
  if (!report_.engine) report_.engine = fresh.engine;
  const std::string note = "went on from " + options_.state.string();
  if (std::find(report_.notes.begin(), report_.notes.end(), note) == report_.notes.end())
    report_.notes.push_back(note);
  scanning_ = !state.at("read").get<bool>();
  quiet_.resume(state.at("quiet"), state.at("was_quiet"));
  log_.resume_at(state.at("diff_bytes"));
  for (const SideName side : {SideName::source, SideName::target}) {
    const json& saved = state.at("sides").at(static_cast<size_t>(side));
    pass_.resume(side, counters_of(saved.at("counters")), positions_of(saved.at("positions")));
    matcher_.resume(side, {.seen = saved.at("seen"),
                           .ledger_bytes = saved.at("ledger_bytes"),
                           .stray_bytes = saved.at("stray_bytes")});
    matcher_.resume_own_keys(side, saved.at("own_keys"));
  }
  matcher_.resume_join(state.at("next_partition"), state.at("distinct"));
}

void Resume::save(bool read) {
  if (!file_) return;
  json sides = json::array();
  for (const SideName side : {SideName::source, SideName::target}) {
    const Matcher::Kept kept = matcher_.write_out(side);
    sides.push_back({{"counters", counters_json(pass_.counters(side))},
                     {"positions", positions_json(pass_.positions(side))},
                     {"seen", kept.seen},
                     {"own_keys", matcher_.own_keys(side)},
                     {"ledger_bytes", kept.ledger_bytes},
                     {"stray_bytes", kept.stray_bytes}});
  }
  file_->save({{"nodes", {nodes_json(*sides_[0]), nodes_json(*sides_[1])}},
               {"read", read},
               {"sides", std::move(sides)},
               {"next_partition", matcher_.next_partition()},
               {"distinct", matcher_.distinct()},
               {"quiet", quiet_.last()},
               {"was_quiet", quiet_.always_quiet()},
               {"diff_bytes", log_.written_bytes()},
               {"report", json::parse(report_json(report_))}});
  saved_ = std::chrono::steady_clock::now();
}

void Resume::page_done() {
  if (file_ && std::chrono::steady_clock::now() - saved_ >= options_.state_interval) save(false);
}

void Resume::reading_done() { save(true); }

void Resume::batch_done() { save(true); }

void Resume::finish() {
  if (!file_) return;
  file_->remove();
  matcher_.remove_files();
}

}  // namespace lockstep::verifier
