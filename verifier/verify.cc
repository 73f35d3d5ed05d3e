#include "verifier/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "verifier/difference_log.h"
#include "verifier/evictions.h"
#include "verifier/function_check.h"
#include "verifier/options_check.h"
#include "verifier/parallel.h"
#include "verifier/pass.h"
#include "verifier/position_check.h"
#include "verifier/progress.h"
#include "verifier/report_json.h"
#include "verifier/resume.h"
#include "verifier/settle.h"
#include "verifier/strays.h"

namespace lockstep::verifier {

namespace {

/// A server that fails over is away for about as long as these pauses together.
constexpr int read_attempts_max = 5;
constexpr milliseconds read_pause{500};
/// Waits for a slow server that are worth a note.
constexpr milliseconds long_wait{1000};
/// For an engine that has been held.
constexpr milliseconds engine_wait{10000};

milliseconds since(Clock::time_point begin) {
  return std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
}

MatcherOptions matcher_options(const VerifyOptions& options) {
  return {.tolerance = {options.expiry_tolerance, options.expiry_grace},
          .memory_bytes = options.memory_bytes,
          .spill_directory = options.spill_directory,
          .state = options.state};
}

/// One check from beginning to end.
class Verification {
 public:
  Verification(const VerifyOptions& options, VerifyReport& report, DifferenceLog& log)
      : options_(options),
        report_(report),
        log_(log),
        scope_(options.scope),
        source_(SideName::source, options.rate),
        target_(SideName::target, options.rate),
        matcher_(matcher_options(options)),
        pass_(source_, target_, scope_, options.transfer, matcher_),
        engine_(options.engine.empty() ? std::nullopt
                                       : std::optional<EngineControl>(std::in_place, options.engine,
                                                                      options.max_hold)),
        quiet_(source_, target_, engine_ ? &*engine_ : nullptr),
        settle_(source_, target_, quiet_, options, report, log),
        resume_(options, source_, target_, matcher_, pass_, quiet_, report, log) {
    pass_.on_page([this] { resume_.page_done(); });
    if (may_hold(options)) position_.emplace(source_, target_, pass_, options, report, log);
  }

  asio::awaitable<void> run() {
    co_await source_.open(options_.from, options_.from_topology);
    co_await target_.open(options_.to, options_.to_topology);
    require_distinct(source_, target_);
    describe_sides();
    if (engine_) co_await require_feeds(*engine_, target_);
    const bool read_before = resume_.load();
    if (resume_.loaded() && report_.source.positions.empty()) position_.reset();
    if (!read_before) {
      co_await read();
      resume_.reading_done();
    }
    co_await settle();
    conclude();
    resume_.finish();
  }

  Stage stage() const {
    if (settling_) return {"reading again", report_.candidates - pending(), report_.candidates};
    const uint64_t in_holds = position_ ? 2 * position_->compared() : 0;
    return {"reading", matcher_.seen(SideName::source) + matcher_.seen(SideName::target) + in_holds,
            keys_expected_};
  }

 private:
  size_t pending() const { return settle_.pending() + (position_ ? position_->pending() : 0); }

  void describe_sides() {
    keys_expected_ = 0;
    describe(source_, report_.source);
    describe(target_, report_.target);
  }

  void describe(const Side& side, SideReport& report) {
    report.nodes.clear();
    for (size_t i = 0; i < side.node_count(); ++i)
      report.nodes.push_back(side.node(i).endpoint.label());
    report.version = side.node(0).version;
    if (side.name() == SideName::target) add_evictions(report.evictions, evictions_of(side));
    keys_expected_ += side.keys_at_open();
  }

  asio::awaitable<void> read() {
    const Clock::time_point begin = Clock::now();
    co_await quiet_.look();
    if (position_) co_await read_at_position();
    if (position_) {
      if (report_.method.empty()) report_.method = "snapshot";
    } else if (options_.scope.keys.empty()) {
      co_await read_patiently();
    } else {
      co_await pass_.run_listed(options_.scope.keys);
      report_.method = "listed keys";
    }
    if (report_.method == "snapshot") co_await quiet_.look_after_snapshots();
    count(SideName::source, report_.source);
    count(SideName::target, report_.target);
    report_.pass_time = since(begin);
  }

  /// A node that fails over or goes away for a moment breaks what was being read; it begins anew.
  asio::awaitable<void> read_patiently() {
    std::string failure;
    for (int attempt = 0; attempt < read_attempts_max; ++attempt) {
      if (attempt > 0) {
        report_.notes.push_back("reading began anew: " + failure);
        co_await pause_for(read_pause * (1 << attempt));
      }
      try {
        if (attempt > 0 || gave_up_) co_await begin_anew();
        std::string note;
        const ReadMode used =
            co_await pass_.run(resume_.scanning() ? ReadMode::scan : options_.read, note);
        report_.method = used == ReadMode::snapshot ? "snapshot" : "scan";
        if (!note.empty()) report_.notes.push_back(note);
        co_return;
      } catch (const ConnectionError& error) {
        failure = error.what();
      }
    }
    throw ConnectionError(failure);
  }

  asio::awaitable<void> begin_anew() {
    co_await source_.refresh();
    co_await target_.refresh();
    describe_sides();
    pass_.forget();
  }

  /// If it cannot be and need not be, the position is given up.
  asio::awaitable<void> read_at_position() {
    const bool listed = !options_.scope.keys.empty();
    if (listed || options_.read == ReadMode::scan) {
      co_await read_by_chunks(listed);
      co_return;
    }
    std::string failure;
    bool refused = false;
    try {
      co_await position_->read();
      describe_sides();  // as they were found when it succeeded
      co_return;
    } catch (const SnapshotRefused& error) {
      failure = error.what();
      refused = true;
    } catch (const CutFailed& error) {
      failure = error.what();
    }
    if (refused && options_.cut == CutMode::position && options_.read == ReadMode::automatic &&
        options_.state.empty()) {
      report_.notes.push_back("read by SCAN, because a snapshot was refused: " + failure);
      co_await read_by_chunks(false);
      co_return;
    }
    give_up_position(failure);
    co_await quiet_.await_engine(options_.max_hold +
                                 engine_wait);  // what was held up is no difference
  }

  /// Every key at a position of its own.
  asio::awaitable<void> read_by_chunks(bool listed) {
    std::string failure;
    for (int attempt = 0; attempt < read_attempts_max; ++attempt) {
      if (attempt > 0) {
        report_.notes.push_back("reading began anew: " + failure);
        co_await pause_for(read_pause * (1 << attempt));
      }
      try {
        if (attempt > 0) co_await begin_anew();
        if (listed) {
          co_await position_->compare_listed(scope_);
        } else {
          co_await position_->scan(scope_, matcher_);
        }
        report_.method = listed ? "listed keys" : "scan";
        co_return;
      } catch (const ConnectionError& error) {
        failure = error.what();
      }
      position_->take_left();
    }
    throw UserError("not read at positions: " + failure);
  }

  void give_up_position(const std::string& failure) {
    if (options_.cut == CutMode::position) throw UserError(failure);
    report_.notes.push_back("not at a position, but settled: " + failure);
    position_.reset();
    gave_up_ = true;
  }

  void count(SideName side, SideReport& report) {
    const bool by_chunks = position_ && position_->compared() > 0;
    const ReadCounters& counters = by_chunks ? position_->counters(side) : pass_.counters(side);
    report.keys = counters.keys;
    report.bytes = counters.bytes;
    report.functions = counters.functions;
    report.own_keys = matcher_.own_keys(side);
  }

  asio::awaitable<void> settle() {
    const Clock::time_point begin = Clock::now();
    co_await report_strays(source_, target_, matcher_, log_);
    co_await target_.look_for_evictions();
    add_evictions(report_.target.evictions, evictions_of(target_));
    settling_ = true;
    co_await quiet_.look();
    // As many at a time as the memory holds; as a rule all.
    for (auto candidates = matcher_.take_candidates(); !candidates.empty();
         candidates = matcher_.take_candidates()) {
      report_.candidates += candidates.size();
      co_await settle_batch(std::move(candidates));
      resume_.batch_done();
    }
    if (compares_functions(options_)) co_await compare_functions();
    report_.compared = matcher_.distinct() + (position_ ? position_->compared() : 0);
    report_.table_bytes_max = matcher_.memory_bytes_max();
    report_.spilled_bytes = matcher_.spilled_bytes();
    report_.settle_time = since(begin);
  }

  asio::awaitable<void> compare_functions() {
    if (position_) {
      const std::string failure = co_await position_->compare_functions();
      if (failure.empty()) co_return;
      give_up_position(failure);
    }
    co_await check_functions(source_, target_, quiet_, options_, report_, log_);
  }

  asio::awaitable<void> settle_batch(std::vector<Candidate> candidates) {
    if (position_) {
      std::string failure;
      try {
        co_await position_->settle(std::move(candidates));
        co_return;
      } catch (const CutFailed& error) {
        failure = error.what();
      }
      candidates = position_->take_left();
      give_up_position(failure);
    }
    co_await settle_.run(std::move(candidates));
  }

  void describe_scope() {
    report_.scope = options_.scope;
    report_.scopes = scope_.describe();
    if (options_.scope.sample.empty()) return;
    report_.population = std::max(pass_.counters(SideName::source).population,
                                  pass_.counters(SideName::target).population);
    report_.differing_at_most =
        differing_at_most(report_.population, report_.compared, report_.difference_count());
  }

  void describe_waits(const Side& side) {
    Pace::Duration waited{};
    for (size_t i = 0; i < side.node_count(); ++i) waited += side.node(i).pace.backed_off();
    const auto ms = std::chrono::duration_cast<milliseconds>(waited);
    if (ms < long_wait) return;
    report_.notes.push_back(
        fmt::format("the {} answered slower at times: reading it waited {} in all", side.title(),
                    format_duration(ms)));
  }

  /// The evidence for keys that are missing because of it.
  void describe_evictions() {
    if (report_.explained[static_cast<size_t>(Explained::evicted)] == 0) return;
    for (size_t i = 0; i < target_.node_count(); ++i) {
      const Node& node = target_.node(i);
      if (node.evicted_keys > 0)
        report_.notes.push_back(fmt::format("{} has evicted {} keys (maxmemory-policy {})",
                                            node.endpoint.label(), format_count(node.evicted_keys),
                                            node.maxmemory_policy));
    }
  }

  void conclude() {
    describe_scope();
    describe_evictions();
    describe_waits(source_);
    describe_waits(target_);
    report_.cut = position_ ? "position" : quiet_.always_quiet() ? "quiesced" : "settle";
    if (options_.cut == CutMode::quiesced && !quiet_.always_quiet())
      throw UserError(
          "--cut quiesced: something was written meanwhile: stop who writes to either "
          "side, or use --cut settle, or --cut position with --engine");
    const bool told = report_.unverifiable_count == 0 && report_.flapping == 0;
    report_.verdict = report_.difference_count() > 0 ? Verdict::different
                      : told                         ? Verdict::equal
                                                     : Verdict::unknown;
    if (report_.verdict != Verdict::unknown) return;
    report_.problem = fmt::format("{} keys could not be compared, {} changed and never agreed",
                                  report_.unverifiable_count, report_.flapping);
  }

  const VerifyOptions& options_;
  VerifyReport& report_;
  DifferenceLog& log_;
  Scope scope_;
  Side source_;
  Side target_;
  Matcher matcher_;
  Pass pass_;
  std::optional<EngineControl> engine_;  ///< to ask; the position has its own to hold
  QuietWatch quiet_;
  Settle settle_;
  std::optional<PositionCheck> position_;  ///< none: the engine is not held
  Resume resume_;
  uint64_t keys_expected_ = 0;
  bool settling_ = false;
  bool gave_up_ = false;  ///< a cut at a position, which may have read something
};

void run_to_end(const VerifyOptions& options, VerifyReport& report, DifferenceLog& log) {
  asio::io_context io(1);
  Verification verification(options, report, log);
  Progress progress(io.get_executor(), [&] { return verification.stage(); });
  std::exception_ptr failure;
  asio::co_spawn(io, verification.run(), [&](std::exception_ptr error) {
    failure = error;
    progress.close();
  });
  if (options.progress) asio::co_spawn(io, progress.run(), asio::detached);
  io.run();
  if (failure) std::rethrow_exception(failure);
}

void verify_into(VerifyOptions& options, VerifyReport& report, DifferenceLog& log) {
  try {
    learn_engine(options, report);
    report.expiry_grace = options.expiry_grace;
    run_to_end(options, report, log);
    return;
  } catch (const UserError& error) {
    if (error.code() == ExitCode::bad_arguments) throw;
    report.problem = error.what();
  } catch (const ConnectionError& error) {
    report.problem = error.what();
  } catch (const FormatError& error) {
    report.problem = error.what();
  }
  report.verdict = Verdict::unknown;
}

}  // namespace

VerifyReport verify(const VerifyOptions& given) {
  require_valid(given);
  VerifyOptions options = given;
  const Clock::time_point begin = Clock::now();
  VerifyReport report;
  report.started_ms =
      std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  report.expiry_tolerance = options.expiry_tolerance;
  report.expiry_grace = options.expiry_grace;
  for (const std::string& url : options.from)
    report.source.urls.push_back(net::url_without_password(url));
  for (const std::string& url : options.to)
    report.target.urls.push_back(net::url_without_password(url));
  DifferenceLog log(options, report);
  verify_into(options, report, log);
  report.duration = since(begin);
  log.close();
  if (!options.report.empty()) write_report(report, options.report);
  return report;
}

}  // namespace lockstep::verifier
