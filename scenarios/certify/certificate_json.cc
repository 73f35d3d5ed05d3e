#include "scenarios/certify/certificate_json.h"

#include <nlohmann/json.hpp>

namespace lockstep::scenarios::certify {

namespace {

using Json = nlohmann::ordered_json;

template <class List, class Write>
Json list_of(const List& list, Write write) {
  Json json = Json::array();
  for (const auto& each : list) json.push_back(write(each));
  return json;
}

Json loss_json(const Loss& loss) { return {{"what", loss.what}, {"keys", loss.keys}}; }

Json goal_json(const Goal& goal) {
  return {{"name", goal.name}, {"times", goal.times}, {"possible", goal.possible}};
}

Json untried_json(const Untried& untried) {
  return {{"what", untried.what}, {"reason", untried.reason}, {"commands", untried.commands}};
}

Json finding_json(const Finding& finding) {
  return {{"family", finding.family},          {"seed", finding.seed},
          {"verdict", finding.verdict},        {"reason", finding.reason},
          {"control", finding.control},        {"reproduction", finding.reproduction},
          {"crashed", finding.crashed},        {"crashes_alone", finding.crashes_alone},
          {"environment", finding.environment}};
}

Json cell_json(const Cell& cell) {
  return {{"from", cell.from},
          {"to", cell.to},
          {"topology", topology_name(cell.topology)},
          {"outcome", outcome_name(cell.outcome)},
          {"reason", cell.reason},
          {"families", cell.families},
          {"skipped_families", cell.skipped_families},
          {"untried", list_of(cell.untried, untried_json)},
          {"cases", cell.cases},
          {"passed", cell.passed},
          {"seed", cell.seed},
          {"commands", cell.commands},
          {"seconds", cell.seconds},
          {"losses", list_of(cell.losses, loss_json)},
          {"goals", list_of(cell.goals, goal_json)},
          {"findings", list_of(cell.findings, finding_json)},
          {"attempts", cell.attempts},
          {"retried", cell.retried},
          {"try_again", cell.try_again},
          {"earlier", list_of(cell.earlier, finding_json)}};
}

Json server_json(const Server& server) {
  return {{"name", server.name},
          {"version", server.version},
          {"build_id", server.build_id},
          {"rdb_version", server.rdb_version}};
}

Json request_json(const Request& request) {
  return {{"from", request.from},
          {"to", request.to},
          {"topologies", list_of(request.topologies, topology_name)},
          {"families", request.families},
          {"cases", request.cases},
          {"seed", request.seed},
          {"part", request.part},
          {"parts", request.parts}};
}

Json totals_json(const Certificate& certificate) {
  const auto counts = count_outcomes(certificate);
  Json json = Json::object();
  for (size_t i = 0; i < outcome_count; ++i)
    json[outcome_name(static_cast<Outcome>(i))] = counts[i];
  return json;
}

/// Those that are done, in the table's order.
Json cells_json(const Certificate& certificate) {
  Json json = Json::array();
  for (const Cell* cell : done_cells(certificate)) json.push_back(cell_json(*cell));
  return json;
}

}  // namespace

std::string to_json(const Certificate& certificate) {
  const Json json{{"kind", certificate_kind},
                  {"schema", Certificate::schema},
                  {"tool_version", certificate.tool_version},
                  {"started", certificate.started},
                  {"ended", certificate.ended},
                  {"command", certificate.command},
                  {"machine", certificate.machine},
                  {"exit_code", static_cast<int>(exit_code(certificate))},
                  {"request", request_json(certificate.request)},
                  {"totals", totals_json(certificate)},
                  {"servers", list_of(certificate.servers, server_json)},
                  {"cells", cells_json(certificate)}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace lockstep::scenarios::certify
