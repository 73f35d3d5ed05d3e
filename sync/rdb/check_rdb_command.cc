#include "sync/rdb/check_rdb_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "sync/base/error.h"
#include "sync/base/units.h"
#include "sync/rdb/file_check.h"

namespace lockstep::rdb {

namespace {

int check(const std::string& path) {
  try {
    const FileSummary file = check_file(path);
    fmt::print("{}: good: {} keys, {}, {} version {}, {}\n", path, format_count(file.keys),
               format_bytes(file.bytes), file.valkey ? "Valkey" : "RDB", file.version,
               file.checksum_present ? "checksum right" : "written without a checksum");
    return static_cast<int>(ExitCode::ok);
  } catch (const FormatError& error) {
    fmt::print("{}: damaged: {}\n", path, error.what());
    return static_cast<int>(ExitCode::different);
  }
}

}  // namespace

void add_check_rdb_command(CLI::App& app, std::function<int()>& action) {
  auto path = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "check-rdb", "Check that an RDB file is whole: every key framed, the checksum right");
  command->add_option("file", *path, "The RDB file")->required()->type_name("FILE");
  command->footer(
      "Values are not decoded. Exit codes: 0 good, 1 damaged, 2 cannot be read, 254 bad "
      "arguments");
  command->callback([&action, path] { action = [path] { return check(*path); }; });
}

}  // namespace lockstep::rdb
