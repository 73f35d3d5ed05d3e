#include "scenarios/certify/certificate.h"

#include <map>
#include <tuple>

namespace lockstep::scenarios::certify {

namespace {

using Place = std::tuple<std::string, std::string, Topology>;

Place place_of(const Cell& cell) { return {cell.from, cell.to, cell.topology}; }

Cell blank(const std::string& from, const std::string& to, Topology topology) {
  Cell cell;
  cell.from = from;
  cell.to = to;
  cell.topology = topology;
  return cell;
}

std::map<Place, const Cell*> by_place(const Certificate& certificate) {
  std::map<Place, const Cell*> done;
  for (const Cell& cell : certificate.cells) done[place_of(cell)] = &cell;
  return done;
}

}  // namespace

const char* outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::certified:
      return "certified";
    case Outcome::certified_with_losses:
      return "certified_with_losses";
    case Outcome::failed:
      return "failed";
    case Outcome::unsupported:
      return "unsupported";
    case Outcome::not_certified:
      break;
  }
  return "not_certified";
}

const char* outcome_words(Outcome outcome) {
  if (outcome == Outcome::certified_with_losses) return "certified with losses";
  return outcome == Outcome::not_certified ? "not certified" : outcome_name(outcome);
}

const char* topology_name(Topology topology) {
  return topology == Topology::cluster ? "cluster" : "standalone";
}

std::vector<Cell> cells_of(const Request& request) {
  std::vector<Cell> cells;
  uint64_t index = 0;
  for (const Topology topology : request.topologies) {
    for (const std::string& from : request.from) {
      for (const std::string& to : request.to) {
        if (index++ % request.parts == request.part - 1) cells.push_back(blank(from, to, topology));
      }
    }
  }
  return cells;
}

std::vector<Cell> all_cells(const Certificate& certificate, const std::string& reason) {
  const auto done = by_place(certificate);
  std::vector<Cell> cells = cells_of(certificate.request);
  for (Cell& cell : cells) {
    const auto found = done.find(place_of(cell));
    if (found != done.end())
      cell = *found->second;
    else
      cell.reason = reason;
  }
  return cells;
}

std::vector<const Cell*> done_cells(const Certificate& certificate) {
  const auto done = by_place(certificate);
  std::vector<const Cell*> cells;
  for (const Cell& cell : cells_of(certificate.request)) {
    const auto found = done.find(place_of(cell));
    if (found != done.end()) cells.push_back(found->second);
  }
  return cells;
}

std::array<uint64_t, outcome_count> count_outcomes(const Certificate& certificate) {
  std::array<uint64_t, outcome_count> counts{};
  for (const Cell& cell : all_cells(certificate)) ++counts[static_cast<size_t>(cell.outcome)];
  return counts;
}

Totals totals_of(const Certificate& certificate) {
  Totals totals;
  for (const Cell* cell : done_cells(certificate)) {
    totals.cells += cell->cases > 0 ? 1 : 0;
    totals.cases += cell->cases;
    totals.commands += cell->commands;
    totals.seconds += cell->seconds;
  }
  return totals;
}

ExitCode exit_code(const Certificate& certificate) {
  const auto counts = count_outcomes(certificate);
  if (counts[static_cast<size_t>(Outcome::failed)] > 0) return ExitCode::different;
  if (counts[static_cast<size_t>(Outcome::not_certified)] > 0) return ExitCode::unknown;
  return ExitCode::ok;
}

}  // namespace lockstep::scenarios::certify
