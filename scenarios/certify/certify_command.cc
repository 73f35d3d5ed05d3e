#include "scenarios/certify/certify_command.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <sstream>

#include "fixtures/server_flags.h"
#include "scenarios/certify/certificate_files.h"
#include "scenarios/certify/certify_run.h"
#include "scenarios/certify/request.h"
#include "sync/base/error.h"

namespace lockstep::scenarios::certify {

namespace {

struct Flags {
  std::string matrix;
  std::string from, to, topology, families;
  uint64_t cases = 0, seed = 0;  // 0: not given
  std::string shard;
  std::string out = "lockstep-certificate";
  unsigned jobs = 0;
  bool again = false;
  std::vector<std::string> servers;
};

/// The words of this process, as one would type them.
std::string typed_command() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string text;
  for (std::string word; std::getline(file, word, '\0');) {
    if (text.empty()) {
      text = "lockstep";
      continue;
    }
    const bool plain = word.find_first_of(" \t\n'\"\\$`&|;<>()*?[]#~") == std::string::npos;
    text += plain && !word.empty() ? " " + word : " '" + word + "'";
  }
  return text;
}

/// The kernel ends all that we have started as we end; what is done stands in the certificate.
void stop(int) {
  constexpr char message[] = "\nlockstep: stopped; the same command goes on from here\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, message, sizeof message - 1);
  _exit(static_cast<int>(ExitCode::unknown));
}

RequestFlags request_flags(const Flags& flags) {
  RequestFlags request;
  request.from = split_list(flags.from);
  request.to = split_list(flags.to);
  request.topologies = split_list(flags.topology);
  request.families = split_list(flags.families);
  if (flags.cases > 0) request.cases = flags.cases;
  if (flags.seed > 0) request.seed = flags.seed;
  request.shard = flags.shard;
  return flags.matrix.empty() ? request : over(std::move(request), read_matrix(flags.matrix));
}

/// All by all is long work, which nobody begins by accident.
void require_sides(const RequestFlags& request) {
  for (const auto& [flag, names] : {std::pair{"--from", &request.from}, {"--to", &request.to}}) {
    if (names->empty())
      throw UserError(std::string(flag) +
                          " is missing: give names of `lockstep servers`, or all, or a matrix file "
                          "that has them",
                      ExitCode::bad_arguments);
  }
}

int certify(const Flags& flags) {
  signal(SIGPIPE, SIG_IGN);
  CertifyOptions options;
  const RequestFlags request = request_flags(flags);
  options.request = make_request(request);
  require_sides(request);
  options.out = flags.out;
  options.jobs = flags.jobs;
  options.again = flags.again;
  options.server_flags = flags.servers;
  options.command = typed_command();
  signal(SIGINT, stop);
  signal(SIGTERM, stop);
  const Certificate certificate = run_certify(options);
  print_table(certificate);
  return static_cast<int>(exit_code(certificate));
}

}  // namespace

void add_certify_command(CLI::App& app, std::function<int()>& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "certify",
      "Find out which server version may be synced into which, and what does not survive");
  command
      ->add_option("matrix", flags->matrix,
                   "A YAML file with the keys version, from, to, topology, families, cases, seed; "
                   "flags given here as well win")
      ->type_name("FILE");
  command->add_option("--from", flags->from, "Sources: names of `lockstep servers`, or all")
      ->type_name("NAME,…");
  command->add_option("--to", flags->to, "Targets: the same")->type_name("NAME,…");
  command->add_option("--topology", flags->topology, "standalone (default), cluster: of both sides")
      ->type_name("NAME,…");
  command->add_option("--families", flags->families, "Of workloads; all of them by default")
      ->type_name("NAME,…");
  command->add_option("--cases", flags->cases, "Of each family in each cell; 1 by default")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1000}));
  command->add_option("--seed", flags->seed, "Of the first case; 1 by default")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 53));
  command
      ->add_option("--shard", flags->shard,
                   "Only the cells whose number modulo n is i, from 0: n machines do all of it, "
                   "and `lockstep report merge` joins their certificates")
      ->type_name("I/N");
  command
      ->add_option(
          "--out", flags->out,
          "certificate.json, certificate.md, junit.xml, and what cases that did not pass "
          "leave. The same command goes on with what is there, and tries again what the servers "
          "or the machine have ended")
      ->type_name("DIR")
      ->capture_default_str();
  command->add_option("--jobs", flags->jobs, "Cells at the same time; 0: as fit this machine")
      ->check(CLI::Range(0u, 1000u))
      ->capture_default_str();
  command->add_flag("--again", flags->again,
                    "Try every cell again that is not certified; what was found before stays with "
                    "it, and is told");
  fixtures::add_server_flags(*command, flags->servers);
  command->footer(
      "A cell is certified only if every case passed and all that must happen in one has "
      "happened.\n"
      "Examples:\n"
      "  lockstep certify --from oldest --to newest\n"
      "  lockstep certify --from all --to all --shard 0/4 --out part-0\n"
      "Exit codes: 0 all certified (losses included) or unsupported, 1 a cell failed, 2 one could "
      "not be\ncertified, 254 bad arguments, 255 crashed");
  command->callback([&action, flags] { action = [flags] { return certify(*flags); }; });
}

}  // namespace lockstep::scenarios::certify
