#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "verifier/matcher.h"

namespace lockstep::verifier {

/// Names of keys in a file: one on a line as it stands, of every database of the scope (0 if it has
/// none); or lines of diff.jsonl, with their database.
class KeyList {
 public:
  /// Throws UserError (bad_arguments) if the file cannot be read.
  KeyList(std::string path, const Scope& scope);
  /// The next ones in scope, in the file's order; empty at its end.
  std::vector<Candidate> next();

 private:
  void add(const std::string& line, std::vector<Candidate>& keys);

  std::string path_;
  const Scope& scope_;
  std::ifstream file_;
};

}  // namespace lockstep::verifier
