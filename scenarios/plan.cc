#include "scenarios/plan.h"

#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "scenarios/words.h"
#include "sync/base/error.h"

namespace lockstep::scenarios {

namespace {

std::string join_words(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + quote_word(word);
  return out;
}

void append_part(std::string& out, const char* part, const std::vector<TimedCommand>& commands) {
  for (const auto& command : commands) {
    out += fmt::format("{} {} {} {} {}\n", part, command.connection, command.at_ms,
                       quote_word(command.route), join_words(command.args));
  }
}

uint32_t parse_count(const std::string& word, uint64_t offset) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) {
    throw FormatError(offset, "expected a number, found " + word.substr(0, 32));
  }
  return value;
}

}  // namespace

std::string to_text(const Plan& plan) {
  std::string out = fmt::format("plan 1 connections {}\n", plan.connections);
  append_part(out, "before", plan.before);
  append_part(out, "during", plan.during);
  return out;
}

Plan parse_plan(const std::string& text) {
  Plan plan;
  std::istringstream lines(text);
  uint64_t offset = 0;
  for (std::string line; std::getline(lines, line); offset += line.size() + 1) {
    auto words = split_words(line);
    if (words.size() == 4 && words[0] == "plan") {
      plan.connections = parse_count(words[3], offset);
      continue;
    }
    if (words.size() < 5) throw FormatError(offset, "a line of a plan has at least five words");
    TimedCommand command{parse_count(words[1], offset),
                         parse_count(words[2], offset),
                         words[3],
                         {words.begin() + 4, words.end()}};
    (words[0] == "before" ? plan.before : plan.during).push_back(std::move(command));
  }
  return plan;
}

std::string to_redis_cli(const Plan& plan) {
  std::string out;
  for (const auto* part : {&plan.before, &plan.during}) {
    for (const auto& command : *part) {
      // In a cluster redis-cli follows a redirection only outside a transaction.
      if (command.args[0] == "MULTI") out += "EXISTS " + quote_word(command.route) + "\n";
      out += join_words(command.args) + "\n";
    }
  }
  return out;
}

}  // namespace lockstep::scenarios
