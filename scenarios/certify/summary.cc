#include "scenarios/certify/summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "sync/base/units.h"

namespace lockstep::scenarios::certify {

namespace {

using Names = std::set<std::string>;
using Pairs = std::map<std::string, Names>;  ///< from one side's name to those of the other

constexpr size_t run_min = 3;

/// One side's names whose others are the same go together. `text` is given both.
template <class Text>
std::vector<std::string> joined(const std::vector<std::string>& order, const Pairs& pairs,
                                Text text) {
  std::vector<std::pair<Names, Names>> groups;
  for (const std::string& name : order) {
    const auto found = pairs.find(name);
    if (found == pairs.end()) continue;
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
      return group.second == found->second;
    });
    if (same != groups.end())
      same->first.insert(name);
    else
      groups.push_back({{name}, found->second});
  }
  std::vector<std::string> lines;
  for (const auto& [names, others] : groups) lines.push_back(text(names, others));
  return lines;
}

/// Grouped by one of the sides, whichever gives fewer lines, then the shorter.
std::vector<std::string> pairs_in_words(const Request& request,
                                        const std::vector<const Cell*>& cells) {
  Pairs by_from, by_to;
  for (const Cell* cell : cells) {
    by_from[cell->from].insert(cell->to);
    by_to[cell->to].insert(cell->from);
  }
  const auto text = [&](const Names& from, const Names& to) {
    return fmt::format("from {} into {}", names_in_words(request.from, from),
                       names_in_words(request.to, to));
  };
  auto sources = joined(request.from, by_from, text);
  auto targets =
      joined(request.to, by_to, [&](const Names& to, const Names& from) { return text(from, to); });
  return std::min(targets, sources, [](const auto& one, const auto& other) {
    return std::pair(one.size(), fmt::format("{}", fmt::join(one, "")).size()) <
           std::pair(other.size(), fmt::format("{}", fmt::join(other, "")).size());
  });
}

std::vector<std::string> pairs_by_topology(const Request& request,
                                           const std::vector<const Cell*>& cells) {
  std::vector<std::string> lines;
  for (const Topology topology : request.topologies) {
    std::vector<const Cell*> its;
    std::copy_if(cells.begin(), cells.end(), std::back_inserter(its),
                 [&](const Cell* cell) { return cell->topology == topology; });
    const std::string name = fmt::format("{}: ", topology_name(topology));
    for (const std::string& line : pairs_in_words(request, its))
      lines.push_back((request.topologies.size() > 1 ? name : "") + line);
  }
  return lines;
}

/// Cells by a word, in the order in which the words first come.
class Groups {
 public:
  void add(const std::string& what, const Cell& cell, uint64_t keys) {
    auto found =
        std::find_if(all_.begin(), all_.end(), [&](const Each& each) { return each.what == what; });
    if (found == all_.end()) found = all_.insert(all_.end(), {what, 0, {}});
    found->keys += keys;
    found->cells.push_back(&cell);
  }
  std::vector<Group> groups(const Request& request) const {
    std::vector<Group> groups;
    for (const Each& each : all_)
      groups.push_back(
          {each.what, each.keys, each.cells.size(), pairs_by_topology(request, each.cells)});
    return groups;
  }

 private:
  struct Each {
    std::string what;
    uint64_t keys;
    std::vector<const Cell*> cells;
  };
  std::vector<Each> all_;
};

/// "a … c, e": names that stand beside one another, three at least, as their first and last.
std::vector<std::string> runs(const std::vector<std::string>& order, const Names& names) {
  std::vector<std::string> parts;
  for (size_t first = 0, end = 0; first < order.size(); first = end) {
    end = first;
    while (end < order.size() && names.contains(order[end])) ++end;
    if (end - first >= run_min) {
      parts.push_back(fmt::format("{} … {}", order[first], order[end - 1]));
    } else {
      for (size_t i = first; i < end; ++i) parts.push_back(order[i]);
    }
    if (end == first) ++end;
  }
  return parts;
}

}  // namespace

std::string names_in_words(const std::vector<std::string>& order, const Names& names) {
  if (names.size() == order.size() && order.size() > run_min) return "any";
  return fmt::format("{}", fmt::join(runs(order, names), ", "));
}

std::string seen_text(const Group& group) {
  if (group.keys == 0) return "";
  return fmt::format(" ({} seen in {} cell{})", format_count(group.keys), format_count(group.cells),
                     group.cells == 1 ? "" : "s");
}

std::vector<Group> losses_of(const Certificate& certificate) {
  Groups groups;
  const auto cells = done_cells(certificate);
  for (const Cell* cell : cells) {
    for (const Loss& loss : cell->losses) groups.add(loss.what, *cell, loss.keys);
  }
  return groups.groups(certificate.request);
}

std::vector<Group> reasons_of(const Certificate& certificate, Outcome outcome) {
  Groups groups;
  const auto cells = all_cells(certificate);
  for (const Cell& cell : cells) {
    if (cell.outcome == outcome)
      groups.add(cell.reason.empty() ? "no reason is given" : cell.reason, cell, 0);
  }
  return groups.groups(certificate.request);
}

std::vector<GoalSum> goals_of(const Certificate& certificate) {
  std::vector<GoalSum> sums;
  for (const Cell* cell : done_cells(certificate)) {
    for (const Goal& goal : cell->goals) {
      auto found = std::find_if(sums.begin(), sums.end(),
                                [&](const GoalSum& sum) { return sum.name == goal.name; });
      if (found == sums.end()) found = sums.insert(sums.end(), {goal.name, 0, 0, 0});
      found->possible += goal.possible ? 1 : 0;
      found->met += goal.possible && goal.met() ? 1 : 0;
      found->times += goal.times;
    }
  }
  return sums;
}

namespace {

std::string untried_text(const Untried& untried, const Cell& cell) {
  const auto& skipped = cell.skipped_families;
  if (std::find(skipped.begin(), skipped.end(), untried.what) != skipped.end())
    return untried.what + " (all)";
  const size_t forms = untried.commands.size();
  if (forms == 0) return untried.what;
  return fmt::format("{} ({} form{})", untried.what, forms, forms == 1 ? "" : "s");
}

}  // namespace

std::vector<Group> untried_of(const Certificate& certificate) {
  Groups groups;
  for (const Cell* cell : done_cells(certificate)) {
    std::map<std::string, std::vector<std::string>> by_reason;
    for (const Untried& untried : cell->untried)
      by_reason[untried.reason].push_back(untried_text(untried, *cell));
    for (const auto& [reason, things] : by_reason)
      groups.add(fmt::format("{}: {}", fmt::join(things, ", "), reason), *cell, 0);
  }
  return groups.groups(certificate.request);
}

std::string totals_text(const Certificate& certificate) {
  const Totals totals = totals_of(certificate);
  const auto cells = static_cast<double>(std::max<uint64_t>(1, totals.cells));
  const std::chrono::milliseconds each(static_cast<int64_t>(totals.seconds * 1000 / cells));
  return fmt::format("{} cells tried, {} cases, {} commands, {} a cell", format_count(totals.cells),
                     format_count(totals.cases), format_count(totals.commands),
                     format_duration(each));
}

std::string cell_name(const Certificate& certificate, const Cell& cell) {
  const bool two = certificate.request.topologies.size() > 1;
  return fmt::format("{} → {}{}", cell.from, cell.to,
                     two ? fmt::format(" ({})", topology_name(cell.topology)) : "");
}

}  // namespace lockstep::scenarios::certify
