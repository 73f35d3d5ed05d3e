#include "scenarios/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "sync/base/error.h"

namespace lockstep::scenarios {

namespace {

bool is_plain(char c) {
  return std::isgraph(static_cast<unsigned char>(c)) && c != '"' && c != '\'' && c != '\\';
}

void append_quoted(std::string& out, char c) {
  if (c == '"' || c == '\\') {
    out += {'\\', c};
  } else if (c == '\n') {
    out += "\\n";
  } else if (std::isprint(static_cast<unsigned char>(c))) {
    out += c;
  } else {
    out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Reads words from a line; `at_` is the next byte.
class Reader {
 public:
  explicit Reader(Bytes line) : line_(line) {}

  bool next(std::string& word) {
    while (at_ < line_.size() && is_space(line_[at_])) ++at_;
    if (at_ == line_.size()) return false;
    word.clear();
    while (at_ < line_.size() && !is_space(line_[at_])) read_piece(word);
    return true;
  }

 private:
  static bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)); }

  void read_piece(std::string& word) {
    const char c = line_[at_++];
    if (c != '"' && c != '\'') {
      word += c;
      return;
    }
    while (at_ < line_.size() && line_[at_] != c) {
      c == '"' && line_[at_] == '\\' ? read_escape(word) : word.push_back(line_[at_++]);
    }
    if (at_ == line_.size()) throw FormatError(at_, "a quote that is not closed");
    ++at_;
  }

  void read_escape(std::string& word) {
    if (at_ + 1 >= line_.size()) throw FormatError(at_, "a backslash at the end of the line");
    const char c = line_[at_ + 1];
    at_ += 2;
    if (c == 'x' && at_ + 1 < line_.size() && hex_digit(line_[at_]) >= 0 &&
        hex_digit(line_[at_ + 1]) >= 0) {
      word += static_cast<char>(hex_digit(line_[at_]) * 16 + hex_digit(line_[at_ + 1]));
      at_ += 2;
      return;
    }
    word += c == 'n'   ? '\n'
            : c == 'r' ? '\r'
            : c == 't' ? '\t'
            : c == 'b' ? '\b'
            : c == 'a' ? '\a'
                       : c;
  }

  Bytes line_;
  size_t at_ = 0;
};

}  // namespace

std::string quote_word(Bytes word) {
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain)) return std::string(word);
  std::string out = "\"";
  for (const char c : word) append_quoted(out, c);
  return out + '"';
}

std::vector<std::string> split_words(Bytes line) {
  std::vector<std::string> words;
  std::string word;
  for (Reader reader(line); reader.next(word);) words.push_back(word);
  return words;
}

}  // namespace lockstep::scenarios
