#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "sync/commands/commands.h"

namespace lockstep::commands {

/// A request written as one line, words separated by spaces; '' is the empty string.
struct Request {
  explicit Request(const std::string& line) {
    std::istringstream words(line);
    for (std::string word; words >> word;) texts.push_back(word == "''" ? "" : word);
    args.assign(texts.begin(), texts.end());
  }
  explicit Request(std::vector<std::string> words) : texts(std::move(words)) {
    args.assign(texts.begin(), texts.end());
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  std::vector<std::string> texts;
  std::vector<Bytes> args;
};

/// The keys of a request as a person would write them: "src dst*", a star behind those written.
/// "unknown" for a command that is not in the table, "malformed" where the keys cannot be learnt.
inline std::string keys_of(const std::string& line) {
  const Request request(line);
  const Spec* spec = find(request.args);
  if (spec == nullptr) return "unknown";
  std::vector<KeyRef> keys;
  if (!find_keys(*spec, request.args, keys)) return "malformed";
  std::string text;
  for (const KeyRef& key : keys) {
    if (!text.empty()) text += ' ';
    text += request.texts[key.argument] + (key.written ? "*" : "");
  }
  return text;
}

}  // namespace lockstep::commands
