#pragma once

#include <rapidcheck.h>

#include "scenarios/certify/certificate.h"

namespace lockstep::scenarios::certify {

/// A certified cell, standalone, of one case, with a goal that was met and one that cannot be.
inline Cell certified_cell(const std::string& from, const std::string& to) {
  Cell cell;
  cell.from = from;
  cell.to = to;
  cell.outcome = Outcome::certified;
  cell.families = {"lists"};
  cell.cases = cell.passed = 1;
  cell.seed = 7;
  cell.commands = 1000;
  cell.seconds = 1.5;
  cell.goals = {{"a key expired", 3, true}, {"a slot moved", 0, false}};
  return cell;
}

/// Two sources, three targets, standalone and cluster: one cell of each outcome, the rest has not
/// run.
inline Certificate sample() {
  Certificate certificate;
  certificate.tool_version = "1.2.3";
  certificate.started = "2026-01-02T03:04:05Z";
  certificate.command = "lockstep certify --from old-1,new-2 --to old-1,new-2,new-3";
  certificate.machine = "2 cores, 4 GB, Linux";
  certificate.request = {.from = {"old-1", "new-2"},
                         .to = {"old-1", "new-2", "new-3"},
                         .topologies = {Topology::standalone, Topology::cluster},
                         .families = {"lists"},
                         .seed = 7};
  certificate.servers = {{"old-1", "1.0.1", "abc", 6}, {"new-2", "2.0.2", "def", 11}};
  certificate.cells = {certified_cell("old-1", "old-1"), certified_cell("new-2", "old-1"),
                       certified_cell("old-1", "new-2"), certified_cell("new-2", "new-2"),
                       certified_cell("old-1", "new-3")};
  certificate.cells[1].outcome = Outcome::certified_with_losses;
  certificate.cells[1].losses = {{"hash field expiry", 12}};
  certificate.cells[2].outcome = Outcome::failed;
  certificate.cells[2].passed = 0;
  certificate.cells[2].findings = {
      {"lists", 7, "fail", "1 value differs", "lockstep run x.yaml --seed 7", "the same"}};
  certificate.cells[3].attempts = 2;
  certificate.cells[3].retried = 1;
  certificate.cells[3].try_again = true;
  certificate.cells[3].earlier = {{"lists", 7, "unknown", "a server did not answer",
                                   "lockstep run y.yaml --seed 7", "", "old-1: x.c:7", true, true}};
  certificate.cells[3].outcome = Outcome::not_certified;
  certificate.cells[3].reason = "goals not met: a key expired";
  certificate.cells[4].outcome = Outcome::unsupported;
  certificate.cells[4].reason = "old-1 has no cluster";
  certificate.cells[4].topology = Topology::cluster;
  return certificate;
}

/// Any certificate that could be: names of any bytes, any numbers, some of the cells.
inline rc::Gen<Certificate> arbitrary_certificate() {
  return rc::gen::exec([] {
    const auto text = rc::gen::container<std::string>(rc::gen::inRange<char>(' ', '~'));
    const auto count = rc::gen::arbitrary<uint64_t>();
    Certificate certificate = sample();
    certificate.tool_version = *rc::gen::arbitrary<std::string>();
    certificate.command = *rc::gen::arbitrary<std::string>();
    certificate.machine = *text;
    certificate.ended = *rc::gen::element("", "2026-01-02T03:04:05Z");
    Request& request = certificate.request;
    request.cases = *count;
    request.seed = *count;
    request.families = *rc::gen::container<std::vector<std::string>>(text);
    request.parts = *rc::gen::inRange<uint64_t>(1, 5);
    request.part = *rc::gen::inRange<uint64_t>(1, request.parts + 1);
    certificate.servers.push_back({*text, *text, *text, *rc::gen::inRange(0u, 9999u)});
    const auto drawn = sample().cells;
    certificate.cells.clear();
    for (Cell cell : cells_of(request)) {
      if (*rc::gen::inRange(0, 3) == 0) continue;
      Cell other = *rc::gen::elementOf(drawn);
      other.from = cell.from;
      other.to = cell.to;
      other.topology = cell.topology;
      other.seed = *count;
      other.commands = *count;
      other.skipped_families = *rc::gen::container<std::vector<std::string>>(text);
      for (const std::string& family : other.skipped_families)
        other.untried.push_back({family, *text, {*text}});
      other.untried.push_back({*text, *text, *rc::gen::container<std::vector<std::string>>(text)});
      other.seconds = static_cast<double>(*rc::gen::arbitrary<uint32_t>()) / 1000;
      if (other.outcome == Outcome::not_certified)
        other.reason = *rc::gen::arbitrary<std::string>();
      certificate.cells.insert(certificate.cells.begin(), std::move(other));
    }
    return certificate;
  });
}

}  // namespace lockstep::scenarios::certify
