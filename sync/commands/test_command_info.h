#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "fixtures/test_server.h"
#include "sync/commands/text.h"

namespace lockstep::commands {

using fixtures::TestServer;

/// An entry of COMMAND's reply.
struct Info {
  std::string name;  ///< as in the table: "xgroup create"
  int64_t arity = 0;
  std::vector<std::string> flags;
  std::array<int64_t, 3> keys = {};  ///< first, last, step

  bool has(Bytes flag) const { return std::ranges::find(flags, flag) != flags.end(); }
  bool takes(size_t count) const {
    const auto wanted = static_cast<size_t>(std::abs(arity));
    return arity < 0 ? count >= wanted : count == wanted;
  }
};

inline std::string table_name(std::string name) {
  std::ranges::replace(name, '|', ' ');
  std::ranges::transform(name, name.begin(), lower);
  return name;
}

inline void collect(const resp::Value& entry, std::vector<Info>& infos) {
  const auto& items = entry.items;
  Info info{table_name(items.at(0).text), items.at(1).integer, {}, {}};
  for (const resp::Value& flag : items.at(2).items) info.flags.push_back(flag.text);
  for (size_t i = 0; i < 3; ++i) info.keys[i] = items.at(3 + i).integer;
  infos.push_back(std::move(info));
  if (items.size() < 10) return;  // before 7.0
  for (const resp::Value& subcommand : items[9].items) collect(subcommand, infos);
}

/// Every command of the server, and since 7.0 every subcommand.
inline std::vector<Info> commands_of(TestServer& server) {
  std::vector<Info> infos;
  for (const resp::Value& entry : server.ask({"COMMAND"}).items) collect(entry, infos);
  return infos;
}

}  // namespace lockstep::commands
