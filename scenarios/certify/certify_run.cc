#include "scenarios/certify/certify_run.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "fixtures/child.h"
#include "fixtures/join_all.h"
#include "fixtures/poll_until.h"
#include "fixtures/run.h"
#include "fixtures/run_files.h"
#include "scenarios/certify/cell_outcome.h"
#include "scenarios/certify/cell_run.h"
#include "scenarios/certify/certificate_files.h"
#include "scenarios/certify/certificate_json.h"
#include "scenarios/certify/machine.h"
#include "scenarios/certify/out_directory.h"
#include "scenarios/certify/progress.h"
#include "scenarios/certify/request.h"
#include "scenarios/lockstep_driver.h"
#include "sync/base/error.h"
#include "sync/base/units.h"
#include "sync/base/version.h"

namespace lockstep::scenarios::certify {

namespace {

namespace fs = std::filesystem;

/// Of a cell's servers, engine and verifier, with room for snapshots.
constexpr uint64_t cell_memory_bytes = 400 << 20;
constexpr unsigned cells_per_core = 4;

std::string now_text() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

/// Of this program; and of the one that copies and compares in its place, where the environment
/// names one.
std::string version_that_runs() {
  const fs::path program = own_program();
  std::error_code none;
  if (fs::equivalent(program, "/proc/self/exe", none)) return version();
  const fixtures::TemporaryFile said;
  const auto ask = [&]() -> asio::awaitable<void> {
    fixtures::ChildOptions options;
    options.program = program;
    options.args = {"--version"};
    options.output = said.path();
    fixtures::Child child(co_await asio::this_coro::executor, options);
    co_await child.wait(std::chrono::seconds(10));
  };
  fixtures::run(ask());
  return fmt::format("{}, whose cells are run by {} ({})", version(), program.string(),
                     fixtures::last_lines(said.path(), 1));
}

std::string servers_text(const std::vector<Server>& servers) {
  std::string text;
  for (const Server& server : servers)
    text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", server.name, server.version,
                        server.build_id);
  return text;
}

/// What an earlier run with this `out` has done must be of the same request, servers and program.
void require_same(const Certificate& before, const Certificate& now, const fs::path& out) {
  std::string difference = difference_of(before.request, now.request);
  if (difference.empty() && before.tool_version != now.tool_version)
    difference = "it is of lockstep " + before.tool_version;
  if (difference.empty() && servers_text(before.servers) != servers_text(now.servers))
    difference = fmt::format("its servers were {}; now they are {}", servers_text(before.servers),
                             servers_text(now.servers));
  if (difference.empty()) return;
  throw UserError(fmt::format("{} holds the certificate of something else: {}; give the same again "
                              "to go on with it, or another --out",
                              (out / "certificate.json").string(), difference),
                  ExitCode::bad_arguments);
}

class CertifyRun {
 public:
  explicit CertifyRun(const CertifyOptions& options) : options_(options) {
    context_.request = options.request;
    context_.facts = ask_servers(options.request);
    context_.server_flags = options.server_flags;
    certificate_.tool_version = version_that_runs();
    certificate_.started = now_text();
    certificate_.command = options.command;
    certificate_.machine = machine_.text;
    certificate_.request = options.request;
    certificate_.servers = servers_of(context_.facts);
    plan();
    out_.emplace(options.out);
    context_.directory = out_->cases();
    go_on();
  }

  Certificate run() {
    write_files(certificate_, options_.out);
    if (!todo_.empty()) fixtures::run(run_cells());
    out_->clear();
    if (certificate_.ended.empty()) certificate_.ended = now_text();
    write_files(certificate_, options_.out);
    return std::move(certificate_);
  }

 private:
  /// A part of the matrix may well have no cell that can be tried; all of it may not.
  void require_possible() const {
    Request whole = options_.request;
    whole.part = whole.parts = 1;
    std::string why;
    for (const Cell& cell : cells_of(whole)) {
      why = why_impossible(cell.topology, cell.from, cell.to, context_.facts);
      if (why.empty()) return;
    }
    throw UserError("no cell of this matrix is possible: " + why, ExitCode::bad_arguments);
  }

  /// The cells of our part; those that cannot be tried are decided at once.
  void plan() {
    require_possible();
    const Request& request = options_.request;
    std::vector<Cell> cells = cells_of(request);
    for (size_t i = 0; i < cells.size(); ++i) {
      Cell& cell = cells[i];
      cell.seed = request.seed + seeds_of_a_cell * (i * request.parts + request.part - 1);
      cell.reason = why_impossible(cell.topology, cell.from, cell.to, context_.facts);
      if (cell.reason.empty()) {
        todo_.push_back(std::move(cell));
        continue;
      }
      cell.outcome = Outcome::unsupported;
      certificate_.cells.push_back(std::move(cell));
    }
  }

  /// Takes over what an earlier run has found out; what the environment ended is tried again, and
  /// what was found then goes with it.
  void go_on() {
    if (!fs::exists(options_.out / "certificate.json")) return;
    Certificate before = read_certificate(options_.out);
    require_same(before, certificate_, options_.out);
    certificate_ = std::move(before);
    const auto again = std::stable_partition(
        certificate_.cells.begin(), certificate_.cells.end(),
        [this](const Cell& cell) { return !is_tried_again(cell, options_.again); });
    const std::vector<Cell> attempts(again, certificate_.cells.end());
    certificate_.cells.erase(again, certificate_.cells.end());
    std::erase_if(todo_, [this](const Cell& cell) { return find(certificate_.cells, cell); });
    for (Cell& cell : todo_) {
      if (const Cell* attempt = find(attempts, cell)) carry_over(*attempt, cell);
    }
    if (!todo_.empty()) certificate_.ended.clear();
  }

  /// The same pair in the same topology; null: it is not there.
  static const Cell* find(const std::vector<Cell>& cells, const Cell& cell) {
    const auto found = std::find_if(cells.begin(), cells.end(), [&](const Cell& each) {
      return each.from == cell.from && each.to == cell.to && each.topology == cell.topology;
    });
    return found == cells.end() ? nullptr : &*found;
  }

  asio::awaitable<void> run_cells() {
    context_.executor = co_await asio::this_coro::executor;
    const unsigned fit = jobs_that_fit(machine_.cores, machine_.memory_available_bytes);
    const size_t jobs = std::min<size_t>(todo_.size(), options_.jobs > 0 ? options_.jobs : fit);
    ServerPool pool(context_.executor, out_->servers(), 3 * jobs);
    context_.pool = &pool;
    progress_.emplace(todo_.size() + certificate_.cells.size(), certificate_.cells.size(),
                      isatty(STDERR_FILENO) != 0);
    running_ = jobs;
    std::vector<asio::awaitable<void>> parts;
    for (size_t i = 0; i < jobs; ++i) parts.push_back(work());
    parts.push_back(show_progress());
    co_await fixtures::join_all(std::move(parts));
    progress_.reset();
    co_await pool.close();
  }

  /// Of one of the jobs: however it ends, the others hear of it. One that could not write what it
  /// found out has them begin nothing more.
  class Job {
   public:
    explicit Job(CertifyRun& run) : run_(run) {}
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;
    ~Job() {
      --run_.running_;
      if (!done_) run_.next_ = run_.todo_.size();
    }
    void done() { done_ = true; }

   private:
    CertifyRun& run_;
    bool done_ = false;
  };

  asio::awaitable<void> work() {
    Job job(*this);
    while (next_ < todo_.size()) {
      Cell cell = todo_[next_++];
      progress_->begin(cell_label(cell));
      cell = co_await run_cell(context_, std::move(cell));
      progress_->done(cell);
      certificate_.cells.push_back(std::move(cell));
      write_files(certificate_, options_.out);
    }
    job.done();
  }

  asio::awaitable<void> show_progress() {
    while (running_ > 0) {
      progress_->show();
      co_await fixtures::pause(std::chrono::milliseconds(200));
    }
  }

  const CertifyOptions& options_;
  const Machine machine_ = this_machine();
  std::optional<OutDirectory> out_;
  RunContext context_;
  Certificate certificate_;
  std::vector<Cell> todo_;
  size_t next_ = 0;
  size_t running_ = 0;
  std::optional<Progress> progress_;
};

}  // namespace

unsigned jobs_that_fit(unsigned cores, uint64_t memory_bytes) {
  const uint64_t by_memory = memory_bytes / cell_memory_bytes;
  return static_cast<unsigned>(
      std::clamp<uint64_t>(by_memory, 1, uint64_t{cells_per_core} * cores));
}

Certificate run_certify(const CertifyOptions& options) {
  CertifyRun run(options);
  return run.run();
}

}  // namespace lockstep::scenarios::certify
