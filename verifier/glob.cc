#include "verifier/glob.h"

#include <utility>

namespace lockstep::verifier {

namespace {

/// What stands at the pattern's beginning takes one character; false if not this one.
struct Step {
  bool takes = false;
  size_t length = 0;  ///< of that part of the pattern
};

/// Behind '['. A missing ']' ends with the pattern.
Step match_class(Bytes pattern, char c) {
  size_t at = 1;
  const bool negated = at < pattern.size() && pattern[at] == '^';
  at += negated ? 1 : 0;
  bool found = false;
  for (; at < pattern.size() && pattern[at] != ']'; ++at) {
    const size_t left = pattern.size() - at;
    if (pattern[at] == '\\' && left >= 2) {
      ++at;
      found = found || pattern[at] == c;
    } else if (left >= 3 && pattern[at + 1] == '-') {
      char first = pattern[at], last = pattern[at + 2];
      if (first > last) std::swap(first, last);
      found = found || (c >= first && c <= last);
      at += 2;
    } else {
      found = found || pattern[at] == c;
    }
  }
  return {found != negated, at < pattern.size() ? at + 1 : at};
}

Step match_one(Bytes pattern, char c) {
  if (pattern[0] == '?') return {true, 1};
  if (pattern[0] == '[') return match_class(pattern, c);
  if (pattern[0] == '\\' && pattern.size() >= 2) return {pattern[1] == c, 2};
  return {pattern[0] == c, 1};
}

}  // namespace

/// Where nothing fits, the last * takes one character more.
bool glob_match(Bytes pattern, Bytes text) {
  if (pattern == "*" || text.empty()) return pattern == "*" || pattern.empty();
  Bytes behind_star, rest;
  bool starred = false;
  while (!text.empty()) {
    if (!pattern.empty() && pattern[0] == '*') {
      pattern.remove_prefix(1);
      behind_star = pattern;
      rest = text;
      starred = true;
      continue;
    }
    const Step step = pattern.empty() ? Step() : match_one(pattern, text[0]);
    if (step.takes) {
      pattern.remove_prefix(step.length);
      text.remove_prefix(1);
    } else {
      if (!starred) return false;
      rest.remove_prefix(1);
      text = rest;
      pattern = behind_star;
    }
  }
  return pattern.find_first_not_of('*') == Bytes::npos;
}

}  // namespace lockstep::verifier
