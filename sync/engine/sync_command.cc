#include "sync/engine/sync_command.h"

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>

#include "sync/base/error.h"
#include "sync/engine/control.h"
#include "sync/engine/engine.h"
#include "sync/engine/job_file.h"
#include "sync/engine/progress.h"

namespace lockstep::engine {

namespace {

void set_up_log(const SyncOptions& options) {
  try {
    auto logger = options.log_file.empty() ? spdlog::stderr_color_mt("sync")
                                           : spdlog::basic_logger_mt("sync", options.log_file);
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(logger);
  } catch (const spdlog::spdlog_ex& error) {
    throw UserError(fmt::format("--log-file {}: {}", options.log_file, error.what()));
  }
  const auto level = spdlog::level::from_str(options.log_level);
  if (level == spdlog::level::off && options.log_level != "off") {
    throw UserError(fmt::format("--log-level: \"{}\" is not one of debug, info, warn, error, off",
                                options.log_level),
                    ExitCode::bad_arguments);
  }
  spdlog::set_level(level);
}

/// The engine and what stands around it, ended together.
struct Task {
  explicit Task(asio::io_context& io, const SyncOptions& options)
      : engine(io.get_executor(), options), progress(engine), signals(io, SIGINT, SIGTERM) {
    if (!options.control.empty())
      control = std::make_unique<Control>(io.get_executor(), options.control, engine);
  }

  void on_signal(int number) {
    engine.stop(number == SIGTERM ? "SIGTERM" : "interrupted");
    signals.async_wait([](boost::system::error_code error, int) {
      if (!error) std::_Exit(static_cast<int>(ExitCode::unknown));  // the second one does not wait
    });
  }

  asio::awaitable<void> run() {
    std::exception_ptr failure;
    try {
      co_await engine.run();
    } catch (...) {
      failure = std::current_exception();
    }
    progress.close();
    signals.cancel();
    if (control) control->close();
    if (failure) std::rethrow_exception(failure);
  }

  Engine engine;
  Progress progress;
  asio::signal_set signals;
  std::unique_ptr<Control> control;
};

void print_summary(const Status& status) {
  uint64_t keys = 0, commands = 0, fences = 0, splits = 0, transactions_split = 0;
  for (const LinkStatus& link : status.links) {
    keys += link.keys_loaded;
    commands += link.commands;
    fences += link.fences;
    splits += link.splits;
    transactions_split += link.transactions_split;
  }
  fmt::print(
      "{}: {} keys copied, {} commands applied in {}; {} split by slot, {} keys read again, {} "
      "transactions split, {} recoveries\n",
      state_name(status.state), format_count(keys), format_count(commands),
      format_duration(std::chrono::milliseconds(status.uptime_ms)), format_count(splits),
      format_count(fences), format_count(transactions_split), status.recoveries);
  const UnsupportedStatus out = unsupported_in(status);
  if (out.keys + out.functions > 0)
    fmt::print(
        "  left out, because the target cannot hold them: {} keys, {} function libraries; "
        "listed in {}\n",
        format_count(out.keys), format_count(out.functions), status.unsupported_list);
  for (const LinkStatus& link : status.links) {
    fmt::print("  {} → {}  replid {}  applied offset {}\n", link.source, link.target, link.replid,
               link.applied_offset.value);
  }
}

int run_sync(const SyncOptions& options) {
  set_up_log(options);
  std::signal(SIGPIPE, SIG_IGN);
  asio::io_context io(1);
  Task task(io, options);
  std::exception_ptr failure;
  task.signals.async_wait([&](boost::system::error_code error, int number) {
    if (!error) task.on_signal(number);
  });
  asio::co_spawn(io, task.run(), [&](std::exception_ptr error) { failure = error; });
  if (!options.quiet) asio::co_spawn(io, task.progress.run(), asio::detached);
  io.run();
  if (failure) std::rethrow_exception(failure);
  print_summary(task.engine.status());
  return static_cast<int>(ExitCode::ok);
}

void add_data_flags(CLI::App& command, SyncFlags& flags) {
  command
      .add_option("--from", flags.from,
                  "Source: a server or replica, any one node of a cluster, or (repeated) the "
                  "servers behind a Twemproxy")
      ->type_name("URL");
  command
      .add_option("--to", flags.to,
                  "Target: a server or any one node of a cluster; repeated: each gets a full copy")
      ->type_name("URL");
  command
      .add_option("--from-topology", flags.from_topology,
                  "What the source must be: auto, standalone or cluster")
      ->capture_default_str();
  command
      .add_option("--to-topology", flags.to_topology,
                  "What the target must be: auto, standalone or cluster")
      ->capture_default_str();
  command
      .add_option("--existing", flags.existing,
                  "A target that holds keys: stop, or overwrite those that the source has too")
      ->capture_default_str();
  command
      .add_option(
          "--unsupported", flags.unsupported,
          "A key that the target cannot hold (a stream in an old server, fields that expire, "
          "a module's value, a database that it has not): stop, or report: leave it out, "
          "count it, list it")
      ->capture_default_str();
  command
      .add_option("--unsupported-list", flags.unsupported_list,
                  "Where they are listed, a JSON object a line; verify --keys takes it")
      ->capture_default_str()
      ->type_name("FILE");
  command
      .add_option("--until", flags.until,
                  "stopped: follow until told to stop; caught-up: copy, catch up, write exact "
                  "expiries, end")
      ->capture_default_str();
  command
      .add_option("--expiry", flags.expiry,
                  "replica: the source's own DEL removes expired keys, expiries reach the target "
                  "later by the grace until finalized; "
                  "exact: expiries as they are")
      ->capture_default_str();
  command
      .add_option("--expiry-grace", flags.expiry_grace,
                  "How much later, in mode replica; longer than any interruption")
      ->capture_default_str();
  command.add_flag("--publish", flags.publish, "Forward PUBLISH");
  command
      .add_option("--ignore", flags.ignore,
                  "A precheck item that shall not stop the task (repeatable)")
      ->type_name("ITEM");
}

void add_running_flags(CLI::App& command, SyncFlags& flags) {
  command
      .add_option(
          "--control", flags.control,
          "Serve GET /status, /metrics and POST /hold, /advance, /release, /finalize, /stop at "
          "unix:PATH or 127.0.0.1:PORT")
      ->type_name("ADDRESS");
  command
      .add_option("--spool-dir", flags.spool_dir,
                  "Where the stream is kept when the target is slower than the source")
      ->capture_default_str();
  command.add_option("--spool-memory", flags.spool_memory, "In memory before the disk is used")
      ->capture_default_str();
  command
      .add_option("--spool-disk-max", flags.spool_disk_max,
                  "Bound of the spool on disk for each link; 0: the disk")
      ->capture_default_str();
  command
      .add_option("--in-flight", flags.in_flight,
                  "Bytes sent to a target node and not yet answered")
      ->capture_default_str();
  command.add_option("--retry-for", flags.retry_for, "How long a lost server may be away")
      ->capture_default_str();
  command.add_option("--log-file", flags.log_file, "Log here instead of standard error");
  command.add_option("--log-level", flags.log_level, "debug, info, warn, error or off")
      ->capture_default_str();
  command.add_flag("--quiet", flags.quiet, "No progress");
}

/// Copies what was given on the command line over what the job file said.
void merge_given_flags(const CLI::App& command, const SyncFlags& given, SyncFlags& merged) {
  const auto take = [&](const char* name, auto member) {
    if (command.count(name) > 0) merged.*member = given.*member;
  };
  take("--from", &SyncFlags::from);
  take("--to", &SyncFlags::to);
  take("--ignore", &SyncFlags::ignore);
  take("--from-topology", &SyncFlags::from_topology);
  take("--to-topology", &SyncFlags::to_topology);
  take("--existing", &SyncFlags::existing);
  take("--unsupported", &SyncFlags::unsupported);
  take("--unsupported-list", &SyncFlags::unsupported_list);
  take("--until", &SyncFlags::until);
  take("--expiry", &SyncFlags::expiry);
  take("--expiry-grace", &SyncFlags::expiry_grace);
  take("--publish", &SyncFlags::publish);
  take("--control", &SyncFlags::control);
  take("--spool-dir", &SyncFlags::spool_dir);
  take("--spool-memory", &SyncFlags::spool_memory);
  take("--spool-disk-max", &SyncFlags::spool_disk_max);
  take("--in-flight", &SyncFlags::in_flight);
  take("--retry-for", &SyncFlags::retry_for);
  take("--log-file", &SyncFlags::log_file);
  take("--log-level", &SyncFlags::log_level);
  take("--quiet", &SyncFlags::quiet);
}

}  // namespace

void add_sync_command(CLI::App& app, std::function<int()>& action) {
  auto flags = std::make_shared<SyncFlags>();
  auto job = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("sync", "Copy one deployment into another and keep it in step");
  command
      ->add_option("--job", *job,
                   "Take the flags from this YAML file (names with underscores); flags given here "
                   "as well win")
      ->type_name("FILE");
  add_data_flags(*command, *flags);
  add_running_flags(*command, *flags);
  command->footer(
      "URLs: redis://[user:password@]host[:port], rediss:// for TLS, unix:///path\n"
      "Examples:\n"
      "  lockstep sync --from redis://127.0.0.1:6379 --to redis://127.0.0.1:6380 --until "
      "caught-up\n"
      "  lockstep sync --from redis://node1 --to rediss://:secret@target --control "
      "unix:/run/lockstep.sock\n"
      "  curl --unix-socket /run/lockstep.sock http://x/status\n"
      "  curl --unix-socket /run/lockstep.sock -X POST http://x/finalize\n"
      "Exit codes: 0 finished or stopped, 2 failed, 254 bad arguments, 255 crashed");
  command->callback([&action, command, flags, job] {
    action = [command, flags, job] {
      if (!job->empty()) {
        // The job file first, then the command line once more on top of it.
        SyncFlags merged;
        read_job_file(*job, merged);
        merge_given_flags(*command, *flags, merged);
        return run_sync(to_options(merged));
      }
      return run_sync(to_options(*flags));
    };
  });
}

}  // namespace lockstep::engine
