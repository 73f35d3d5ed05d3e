#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <functional>

#include "fixtures/generate_command.h"
#include "fixtures/servers_command.h"
#include "scenarios/certify/certify_command.h"
#include "scenarios/certify/report_command.h"
#include "scenarios/run_command.h"
#include "sync/base/error.h"
#include "sync/base/version.h"
#include "sync/engine/sync_command.h"
#include "sync/rdb/check_rdb_command.h"
#include "verifier/verify_command.h"

namespace {

using lockstep::ExitCode;

int finish(const std::string& message, ExitCode code) {
  fmt::print(stderr, "lockstep: {}\n", message);
  return static_cast<int>(code);
}

int parse_and_run(int argc, char** argv) {
  CLI::App app{
      "Copies one Redis or Valkey deployment into another, keeps the copy in step, and proves that "
      "both hold the same data."};
  app.set_version_flag("--version", "lockstep " + lockstep::version());
  app.require_subcommand(1);
  std::function<int()> action;
  lockstep::engine::add_sync_command(app, action);
  lockstep::verifier::add_verify_command(app, action);
  lockstep::scenarios::add_run_command(app, action);
  lockstep::scenarios::certify::add_certify_command(app, action);
  lockstep::scenarios::certify::add_report_command(app, action);
  lockstep::fixtures::add_servers_command(app, action);
  lockstep::fixtures::add_generate_command(app, action);
  lockstep::rdb::add_check_rdb_command(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::bad_arguments);
  }
  return action();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const lockstep::UserError& error) {
    return finish(error.what(), error.code());
  } catch (const lockstep::ConnectionError& error) {
    return finish(error.what(), ExitCode::unknown);
  } catch (const lockstep::FormatError& error) {
    return finish(error.what(), ExitCode::unknown);
  } catch (const std::exception& error) {
    return finish(fmt::format("unexpected error: {}", error.what()), ExitCode::crashed);
  }
}
