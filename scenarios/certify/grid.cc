#include "scenarios/certify/grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "sync/base/units.h"

namespace lockstep::scenarios::certify {

namespace {

constexpr const char* corner = "from \\ to";
constexpr size_t corner_width = 9;

const char* colour_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::certified:
      return "\033[32m";
    case Outcome::certified_with_losses:
      return "\033[33m";
    case Outcome::failed:
      return "\033[1;31m";
    case Outcome::unsupported:
      return "\033[2m";
    case Outcome::not_certified:
      break;
  }
  return "\033[35m";
}

std::string mark_text(Outcome outcome, bool colour) {
  const char* mark = outcome_mark(outcome);
  return colour ? fmt::format("{}{}\033[0m", colour_of(outcome), mark) : mark;
}

/// A target: of "redis-7" the heading is "7", under "redis", which its neighbours share.
struct Column {
  std::string product, version;
  size_t width;
};

Column column_of(const std::string& name) {
  const size_t dash = name.rfind('-');
  const bool versioned = dash != std::string::npos && dash + 1 < name.size() &&
                         std::isdigit(static_cast<unsigned char>(name[dash + 1])) != 0;
  if (!versioned) return {"", name, name.size()};
  return {name.substr(0, dash), name.substr(dash + 1), name.size() - dash - 1};
}

/// The columns from `first` on that have its product; the last is made wide enough for its name.
size_t group_end(std::vector<Column>& columns, size_t first, size_t& width) {
  size_t end = first;
  width = 0;
  while (end < columns.size() && columns[end].product == columns[first].product)
    width += columns[end++].width + 1;
  const size_t wanted = columns[first].product.size() + 1;
  if (wanted > width) {
    columns[end - 1].width += wanted - width;
    width = wanted;
  }
  return end;
}

/// Two lines above the marks; sets the columns' widths.
std::string heading(std::vector<Column>& columns, size_t label_width) {
  std::string products(label_width, ' '), versions = fmt::format("{:{}}", corner, label_width);
  for (size_t i = 0, end = 0; i < columns.size(); i = end) {
    size_t width = 0;
    end = group_end(columns, i, width);
    products += fmt::format(" {:{}}", columns[i].product, width - 1);
    for (size_t column = i; column < end; ++column)
      versions += fmt::format(" {:>{}}", columns[column].version, columns[column].width);
  }
  products.resize(products.find_last_not_of(' ') + 1);
  return (products.empty() ? "" : products + "\n") + versions + "\n";
}

}  // namespace

const char* outcome_mark(Outcome outcome) {
  switch (outcome) {
    case Outcome::certified:
      return "✓";
    case Outcome::certified_with_losses:
      return "L";
    case Outcome::failed:
      return "✗";
    case Outcome::unsupported:
      return "–";
    case Outcome::not_certified:
      break;
  }
  return "?";
}

std::string grid_text(const Certificate& certificate, Topology topology, bool colour) {
  std::map<std::pair<std::string, std::string>, Outcome> outcomes;
  for (const Cell& cell : all_cells(certificate)) {
    if (cell.topology == topology) outcomes[{cell.from, cell.to}] = cell.outcome;
  }
  const Request& request = certificate.request;
  size_t label_width = corner_width;
  for (const std::string& from : request.from) label_width = std::max(label_width, from.size());
  std::vector<Column> columns;
  for (const std::string& to : request.to) columns.push_back(column_of(to));
  std::string text = heading(columns, label_width);
  for (const std::string& from : request.from) {
    std::string line = fmt::format("{:{}}", from, label_width);
    size_t blanks = 0;
    for (size_t i = 0; i < columns.size(); ++i) {
      const auto found = outcomes.find({from, request.to[i]});
      blanks += columns[i].width;
      if (found != outcomes.end()) {
        line += std::string(blanks, ' ') + mark_text(found->second, colour);
        blanks = 0;
      } else {
        ++blanks;
      }
    }
    text += line + "\n";
  }
  return text;
}

std::string legend_text(const Certificate& certificate, bool colour) {
  const auto counts = count_outcomes(certificate);
  std::string text;
  for (size_t i = 0; i < outcome_count; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    if (counts[i] > 0)
      text += fmt::format("{}{} {} {}", text.empty() ? "" : "   ", mark_text(outcome, colour),
                          outcome_words(outcome), format_count(counts[i]));
  }
  return text.empty() ? "no cell" : text;
}

}  // namespace lockstep::scenarios::certify
