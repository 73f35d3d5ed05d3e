#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "scenarios/certify/certificate_json.h"
#include "scenarios/certify/json_fields.h"

namespace lockstep::scenarios::certify {

using nlohmann::json;

namespace {

constexpr uint64_t cells_max = 100'000;

Topology topology_named(const Fields& fields, const char* field, const std::string& name) {
  for (const Topology each : {Topology::standalone, Topology::cluster}) {
    if (name == topology_name(each)) return each;
  }
  fields.refuse(field, fmt::format("\"{}\" is no topology (standalone, cluster)", name));
}

Outcome outcome_of(Fields& fields) {
  const std::string name = fields.text("outcome");
  for (size_t i = 0; i < outcome_count; ++i) {
    if (name == outcome_name(static_cast<Outcome>(i))) return static_cast<Outcome>(i);
  }
  fields.refuse("outcome", fmt::format("\"{}\" is no outcome (certified, certified_with_losses, "
                                       "failed, unsupported, not_certified)",
                                       name));
}

Loss loss_of(Fields& fields) { return {fields.text("what"), fields.count("keys")}; }

Goal goal_of(Fields& fields) {
  return {fields.text("name"), fields.count("times"), fields.flag("possible")};
}

Untried untried_of(Fields& fields) {
  return {fields.text("what"), fields.text("reason"), fields.texts("commands")};
}

Finding finding_of(Fields& fields) {
  return {.family = fields.text("family"),
          .seed = fields.count("seed"),
          .verdict = fields.text("verdict"),
          .reason = fields.text("reason"),
          .reproduction = fields.text("reproduction"),
          .control = fields.text("control"),
          .crashed = fields.text("crashed"),
          .crashes_alone = fields.flag("crashes_alone"),
          .environment = fields.flag("environment")};
}

/// Nothing that a cell holds may deny its outcome.
void require_consistent(const Fields& fields, const Cell& cell) {
  const auto deny = [&](const std::string& why) { fields.refuse("outcome", why); };
  const bool good =
      cell.outcome == Outcome::certified || cell.outcome == Outcome::certified_with_losses;
  if (cell.passed > cell.cases) deny("more cases passed than ran");
  if (good && !cell.findings.empty()) deny("certified, but it has findings");
  if (good && (cell.cases == 0 || cell.passed < cell.cases))
    deny("certified, but not all of its cases passed");
  if (good && !std::all_of(cell.goals.begin(), cell.goals.end(),
                           [](const Goal& goal) { return goal.met(); }))
    deny("certified, but a goal was not met");
  if (good && (cell.outcome == Outcome::certified) != cell.losses.empty())
    deny(cell.losses.empty() ? "certified with losses, but there are none"
                             : "certified without losses, but it has some");
  if (cell.outcome == Outcome::failed && cell.findings.empty())
    deny("failed, but it has no finding");
  if (cell.try_again && cell.outcome != Outcome::not_certified)
    deny("to be tried again, but it is decided");
  for (const std::string& family : cell.skipped_families) {
    const auto of_it = [&](const Untried& each) { return each.what == family; };
    if (std::none_of(cell.untried.begin(), cell.untried.end(), of_it))
      fields.refuse("skipped_families", fmt::format("\"{}\" has no reason in untried", family));
  }
  if (cell.earlier.size() < cell.retried) deny("cases were run once more, and are not listed");
}

Cell cell_of(Fields& fields) {
  Cell cell;
  cell.from = fields.text("from");
  cell.to = fields.text("to");
  cell.topology = topology_named(fields, "topology", fields.text("topology"));
  cell.outcome = outcome_of(fields);
  cell.reason = fields.text("reason");
  cell.families = fields.texts("families");
  cell.skipped_families = fields.texts("skipped_families");
  cell.untried = fields.list("untried", untried_of);
  cell.cases = fields.count("cases");
  cell.passed = fields.count("passed");
  cell.seed = fields.count("seed");
  cell.commands = fields.count("commands");
  cell.seconds = fields.number("seconds");
  cell.losses = fields.list("losses", loss_of);
  cell.goals = fields.list("goals", goal_of);
  cell.findings = fields.list("findings", finding_of);
  cell.attempts = fields.count("attempts");
  cell.retried = fields.count("retried");
  cell.try_again = fields.flag("try_again");
  cell.earlier = fields.list("earlier", finding_of);
  require_consistent(fields, cell);
  return cell;
}

Server server_of(Fields& fields) {
  Server server;
  server.name = fields.text("name");
  server.version = fields.text("version");
  server.build_id = fields.text("build_id");
  const uint64_t rdb_version = fields.count("rdb_version");
  if (rdb_version > 9999) fields.refuse("rdb_version", "no RDB version has so many digits");
  server.rdb_version = static_cast<unsigned>(rdb_version);
  return server;
}

void require_each_once(const Fields& fields, const char* name, std::vector<std::string> values) {
  std::sort(values.begin(), values.end());
  const auto twice = std::adjacent_find(values.begin(), values.end());
  if (twice != values.end()) fields.refuse(name, fmt::format("\"{}\" is there twice", *twice));
}

Request request_of(Fields fields) {
  Request request;
  request.from = fields.texts("from");
  request.to = fields.texts("to");
  const auto topologies = fields.texts("topologies");
  for (const std::string& name : topologies)
    request.topologies.push_back(topology_named(fields, "topologies", name));
  request.families = fields.texts("families");
  request.cases = fields.count("cases");
  request.seed = fields.count("seed");
  request.part = fields.count("part");
  request.parts = fields.count("parts");
  if (request.parts > Request::parts_max) fields.refuse("parts", "more than ten thousand");
  if (request.part < 1 || request.part > request.parts)
    fields.refuse("part", fmt::format("there is no part {} of {}", request.part, request.parts));
  require_each_once(fields, "from", request.from);
  require_each_once(fields, "to", request.to);
  require_each_once(fields, "topologies", topologies);
  if (request.from.size() * request.to.size() > cells_max)
    fields.refuse("from", "more than a hundred thousand cells");
  fields.end();
  return request;
}

/// Each of the request's part, and once.
void require_its_cells(const Certificate& certificate) {
  using Place = std::tuple<std::string, std::string, Topology>;
  std::set<Place> left;
  for (const Cell& cell : cells_of(certificate.request))
    left.insert({cell.from, cell.to, cell.topology});
  for (size_t i = 0; i < certificate.cells.size(); ++i) {
    const Cell& cell = certificate.cells[i];
    if (left.erase({cell.from, cell.to, cell.topology}) == 0)
      throw FieldError(fmt::format("cells[{}]", i),
                       fmt::format("{} to {} ({}) is there twice, or is no cell of the request",
                                   cell.from, cell.to, topology_name(cell.topology)));
  }
}

/// They say what the cells say, or somebody has changed one of them.
void require_totals(Fields& root, const Certificate& certificate) {
  Fields totals = root.object("totals");
  const auto counts = count_outcomes(certificate);
  for (size_t i = 0; i < outcome_count; ++i) {
    const char* name = outcome_name(static_cast<Outcome>(i));
    if (const uint64_t said = totals.count(name); said != counts[i])
      totals.refuse(name, fmt::format("{} cells, but there are {}", said, counts[i]));
  }
  totals.end();
  const auto code = static_cast<uint64_t>(exit_code(certificate));
  if (root.count("exit_code") != code)
    root.refuse("exit_code", fmt::format("the cells say {}", code));
}

void require_kind(const json& root) {
  if (!root.is_object() || root.value("kind", json()) != certificate_kind)
    throw FieldError("kind",
                     fmt::format("is not \"{}\": no file of `lockstep certify`", certificate_kind));
}

Certificate certificate_of(const json& json_root) {
  require_kind(json_root);
  Fields root(json_root, "");
  root.text("kind");
  if (const uint64_t schema = root.count("schema"); schema != Certificate::schema)
    root.refuse("schema", fmt::format("{} was written by another version of lockstep; this one "
                                      "reads {}: use the one that wrote it",
                                      schema, Certificate::schema));
  Certificate certificate;
  certificate.tool_version = root.text("tool_version");
  certificate.started = root.text("started");
  certificate.ended = root.text("ended");
  certificate.command = root.text("command");
  certificate.machine = root.text("machine");
  certificate.request = request_of(root.object("request"));
  certificate.servers = root.list("servers", server_of);
  certificate.cells = root.list("cells", cell_of);
  require_its_cells(certificate);
  require_totals(root, certificate);
  root.end();
  return certificate;
}

json parse_json(const std::string& text) {
  if (text.empty()) throw FieldError("", "the file is empty");
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    throw FieldError("", error.byte > text.size()
                             ? fmt::format("it is cut off after {} bytes", text.size())
                             : fmt::format("it is not JSON from byte {} on", error.byte));
  }
}

}  // namespace

Certificate parse_certificate(const std::string& text, const std::string& name) {
  std::string problem;
  try {
    return certificate_of(parse_json(text));
  } catch (const FieldError& error) {
    problem = error.what();
  }
  throw UserError(fmt::format("{}: not a whole certificate: {}", name, problem),
                  ExitCode::bad_arguments);
}

Certificate read_certificate(const std::filesystem::path& path) {
  const auto file_path = std::filesystem::is_directory(path) ? path / "certificate.json" : path;
  std::ifstream file(file_path, std::ios::binary);
  if (!file)
    throw UserError(fmt::format("{}: there is no certificate, or it cannot be read; give the "
                                "directory that `lockstep certify --out DIR` wrote",
                                file_path.string()),
                    ExitCode::bad_arguments);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return parse_certificate(text, file_path.string());
}

}  // namespace lockstep::scenarios::certify
