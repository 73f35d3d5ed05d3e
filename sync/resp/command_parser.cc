#include <cstring>

#include "sync/base/error.h"
#include "sync/resp/parser.h"
#include "sync/resp/scan.h"

namespace lockstep::resp {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char unescape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

/// Reads one character of a double-quoted argument at `line` (not empty), a backslash escape
/// included.
char take_quoted(Bytes& line) {
  if (line.size() >= 4 && line[0] == '\\' && line[1] == 'x' && hex_digit(line[2]) >= 0 &&
      hex_digit(line[3]) >= 0) {
    const int byte = hex_digit(line[2]) * 16 + hex_digit(line[3]);
    line.remove_prefix(4);
    return static_cast<char>(byte);
  }
  const bool escaped = line.size() >= 2 && line[0] == '\\';
  const char c = escaped ? unescape(line[1]) : line[0];
  line.remove_prefix(escaped ? 2 : 1);
  return c;
}

/// Appends the quoted run at `line` (behind its opening quote) to `out`. False: not closed, or
/// something other than a space behind the closing quote.
bool unquote(Bytes& line, char quote, std::string& out) {
  while (!line.empty()) {
    if (line[0] == quote) {
      line.remove_prefix(1);
      return line.empty() || is_space(line[0]);
    }
    if (quote == '"') {
      out += take_quoted(line);
    } else {
      if (line.starts_with("\\'")) line.remove_prefix(1);
      out += line[0];
      line.remove_prefix(1);
    }
  }
  return false;
}

/// One argument of an inline command, as sdssplitargs() of the servers' sds.c reads it.
bool take_inline_argument(Bytes& line, std::string& out) {
  while (!line.empty() && !is_space(line[0])) {
    const char c = line[0];
    line.remove_prefix(1);
    if (c == '"' || c == '\'') return unquote(line, c, out);
    out += c;
  }
  return true;
}

}  // namespace

std::optional<size_t> CommandParser::parse(Bytes input) {
  begin_or_resume(input);
  if (at_ == 0) {
    if (input.empty()) {
      need(1);
      return std::nullopt;
    }
    if (input[0] != '*') return parse_inline(input);
    if (!read_count(input)) return std::nullopt;
  }
  while (args_.size() < args_expected_) {
    if (!read_argument(input)) return std::nullopt;
  }
  return finish(at_);
}

void CommandParser::begin_or_resume(Bytes input) {
  if (complete_) {
    offset_ += length_;
    args_.clear();
    at_ = args_expected_ = line_scanned_ = length_ = 0;
    complete_ = false;
  } else if (input.data() != base_) {
    for (Bytes& arg : args_) arg = detail::rebase(arg, base_, input.data());
  }
  base_ = input.data();
}

bool CommandParser::read_count(Bytes input) {
  size_t at = 1;
  int64_t count = 0;
  const detail::Scan scan = detail::scan_length(input, at, count);
  if (scan == detail::Scan::need_more) return need(input.size() + 1);
  if (scan == detail::Scan::malformed) fail("malformed number of arguments");
  if (count > static_cast<int64_t>(limits_.elements_max)) fail("more arguments than allowed");
  args_expected_ = count < 0 ? 0 : static_cast<size_t>(count);
  at_ = at;
  return true;
}

bool CommandParser::read_argument(Bytes input) {
  if (at_ >= input.size()) return need(at_ + 1);
  if (input[at_] != '$') fail("argument does not begin with '$'");
  size_t begin = at_ + 1;
  int64_t length = 0;
  const detail::Scan scan = detail::scan_length(input, begin, length);
  if (scan == detail::Scan::need_more) return need(input.size() + 1);
  if (scan == detail::Scan::malformed || length < 0) fail("malformed length of an argument");
  if (length > static_cast<int64_t>(limits_.bulk_bytes_max)) fail("argument longer than allowed");
  const size_t size = static_cast<size_t>(length);
  if (input.size() - begin < size + 2) return need(begin + size + 2);
  if (input[begin + size] != '\r' || input[begin + size + 1] != '\n') {
    fail("argument does not end with CR LF where its length says");
  }
  args_.emplace_back(input.data() + begin, size);
  at_ = begin + size + 2;
  return true;
}

std::optional<size_t> CommandParser::parse_inline(Bytes input) {
  const void* const newline =
      std::memchr(input.data() + line_scanned_, '\n', input.size() - line_scanned_);
  const size_t end = newline == nullptr
                         ? input.size()
                         : static_cast<size_t>(static_cast<const char*>(newline) - input.data());
  if (end > limits_.line_bytes_max + 1) fail("inline command longer than allowed");
  if (newline == nullptr) {
    line_scanned_ = end;
    need(end + 1);
    return std::nullopt;
  }
  split_inline(input.substr(0, end));
  return finish(end + 1);
}

void CommandParser::split_inline(Bytes line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  unquoted_.clear();
  unquoted_.reserve(line.size());  // never grows again: args_ point into it
  while (true) {
    while (!line.empty() && is_space(line[0])) line.remove_prefix(1);
    if (line.empty()) return;
    const size_t begin = unquoted_.size();
    if (!take_inline_argument(line, unquoted_)) fail("unbalanced quotes in an inline command");
    args_.emplace_back(unquoted_.data() + begin, unquoted_.size() - begin);
  }
}

std::optional<size_t> CommandParser::finish(size_t length) {
  complete_ = true;
  length_ = length;
  return length;
}

bool CommandParser::need(size_t bytes) {
  needed_ = bytes;
  return false;
}

void CommandParser::fail(const char* context) const { throw FormatError(offset_ + at_, context); }

}  // namespace lockstep::resp
