#include "scenarios/module_values.h"

#include <algorithm>
#include <set>

#include "scenarios/words.h"

namespace lockstep::scenarios {

namespace {

/// What clients of a module write; the key is the second word.
struct ModuleWrites {
  const char* module;  ///< as MODULE LIST calls it
  std::vector<const char*> before;
  std::vector<const char*> during;
};

const std::vector<ModuleWrites>& all_writes() {
  static const std::vector<ModuleWrites> all = {
      {"ReJSON",
       {"JSON.SET module:json:1 $ '{\"a\":[1,2.5,null,true],\"b\":{\"c\":\"d\"}}'",
        "JSON.SET module:json:2 $ [1,2,3]"},
       {"JSON.ARRAPPEND module:json:2 $ 4", "JSON.SET module:json:3 $ {}"}},
      {"bf",
       {"BF.ADD module:bloom:1 a", "CF.ADD module:cuckoo:1 a", "CMS.INITBYDIM module:cms:1 20 5",
        "TOPK.RESERVE module:topk:1 3", "TDIGEST.CREATE module:tdigest:1"},
       {"BF.ADD module:bloom:1 b", "BF.ADD module:bloom:2 a", "CMS.INCRBY module:cms:1 a 3"}},
      {"timeseries",
       {"TS.CREATE module:ts:1 LABELS l v", "TS.ADD module:ts:1 1000 1.5"},
       {"TS.ADD module:ts:1 2000 2.5", "TS.ADD module:ts:2 1000 1"}},
      // One element: the links of several are other bytes after each load. None while it runs: a
      // server draws the level of a new element.
      {"vectorset", {"VADD module:vectors:1 VALUES 3 1 2 3 one"}, {}},
  };
  return all;
}

void append(const std::vector<const char*>& lines, uint32_t at_ms,
            std::vector<TimedCommand>& part) {
  for (const char* line : lines) {
    std::vector<std::string> args = split_words(line);
    std::string key = args.at(1);
    part.push_back({0, at_ms, std::move(key), std::move(args)});
  }
}

}  // namespace

void add_module_values(const std::vector<std::string>& modules, uint32_t during_ms, Plan& plan) {
  for (const ModuleWrites& writes : all_writes()) {
    if (std::find(modules.begin(), modules.end(), writes.module) == modules.end()) continue;
    append(writes.before, 0, plan.before);
    append(writes.during, during_ms, plan.during);
  }
}

std::vector<std::string> with_values(const std::vector<std::string>& modules) {
  std::vector<std::string> found;
  for (const ModuleWrites& writes : all_writes()) {
    if (std::find(modules.begin(), modules.end(), writes.module) != modules.end())
      found.emplace_back(writes.module);
  }
  return found;
}

uint64_t module_writes(const ExecutionStats& clients) {
  std::set<std::string> commands;
  for (const ModuleWrites& writes : all_writes()) {
    for (const auto* lines : {&writes.before, &writes.during})
      for (const char* line : *lines) commands.insert(split_words(line).at(0));
  }
  uint64_t sum = 0;
  for (const auto& [command, count] : clients.succeeded) sum += commands.count(command) * count;
  return sum;
}

}  // namespace lockstep::scenarios
