#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace YAML {
class Node;
}

namespace lockstep::scenarios {

/// The only document of a YAML file of at most 1 MB. `what` it is, as "scenario", and `file` are
/// for messages. Throws UserError (bad_arguments).
YAML::Node load_document(const std::string& text, const std::string& file, const std::string& what);

/// One mapping of a YAML file, read strictly: every key must be asked for, none may be unknown or
/// stand twice. All errors are UserError (bad_arguments) "file:line:column: …" and name the nearest
/// known key.
///
///     YamlMap map(node, "scenario.yaml", "the scenario");
///     name = map.text("name", "");
///     map.finish();
class YamlMap {
 public:
  /// `what` says in messages which mapping this is.
  YamlMap(const YAML::Node& node, std::string file, std::string what);

  bool has(const std::string& key);
  /// The value of `key`, or `otherwise` if the key is absent.
  std::string text(const std::string& key, const std::string& otherwise);
  std::string required_text(const std::string& key);
  bool flag(const std::string& key, bool otherwise);
  uint64_t number(const std::string& key, uint64_t otherwise, uint64_t min, uint64_t max);
  double real(const std::string& key, double otherwise, double min, double max);
  /// "250ms", "5s", "2min", at most a day; a number alone is an error.
  std::chrono::milliseconds duration(const std::string& key, std::chrono::milliseconds otherwise);
  /// One of `values`.
  std::string choice(const std::string& key, const std::string& otherwise,
                     const std::vector<std::string>& values);
  /// A sequence of texts, or one text alone.
  std::vector<std::string> texts(const std::string& key);
  /// A mapping of text to text with free keys.
  std::map<std::string, std::string> dictionary(const std::string& key);
  /// The mappings under `key` by name in file order (a mapping of mappings), or of a sequence
  /// (names empty).
  std::vector<std::pair<std::string, YamlMap>> children(const std::string& key);
  /// The mapping under `key`; an empty one if it is absent.
  YamlMap child(const std::string& key);
  /// Throws if a key was never asked for.
  void finish() const;
  /// Throws for the value of `key` (or for the mapping itself if there is none).
  [[noreturn]] void fail(const std::string& key, const std::string& message) const;

 private:
  struct Entry;
  const Entry* find(const std::string& key);
  std::string scalar(const Entry& entry) const;
  [[noreturn]] void fail_at(int line, int column, const std::string& message) const;

  std::string file_;
  std::string what_;
  int line_ = 0;
  int column_ = 0;
  std::vector<std::pair<std::string, std::shared_ptr<Entry>>> entries_;
  std::vector<std::string> known_;
};

}  // namespace lockstep::scenarios
