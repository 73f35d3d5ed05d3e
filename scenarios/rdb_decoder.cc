#include "scenarios/rdb_decoder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "fixtures/catalogue.h"
#include "fixtures/child.h"
#include "fixtures/run_files.h"
#include "scenarios/rdb_decoder_output.h"

namespace lockstep::scenarios {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

namespace {

/// What it says of files that are newer than it, of what servers of a cluster write in them, and
/// where it stumbles over lists of Redis 7.4 and later and Valkey 8 and later: those in which
/// elements of more than 8 KiB stand among smaller ones.
bool says_unknown(const std::string& text) {
  for (const char* words :
       {"unsupported opcode", "cannot parse version", "unknown type flag", "panic: "}) {
    if (text.find(words) != std::string::npos) return true;
  }
  return false;
}

/// One use of the decoder; the text that it makes.
asio::awaitable<std::string> run_decoder(asio::any_io_executor executor, fs::path decoder,
                                         fs::path file, Words how, fs::path output,
                                         std::chrono::milliseconds limit) {
  Words args = std::move(how);
  args.insert(args.end(), {"-o", output.string(), file.string()});
  const std::string said = co_await fixtures::run_program(executor, decoder.string(), args, limit);
  // It ends with status 0 whatever happens. A sorted set with an infinite score is no JSON.
  if (said.find("error: ") != std::string::npos) {
    const std::string text =
        fmt::format("the RDB decoder cannot read {}: {}", file.string(),
                    said.substr(said.find("error: ") + 7, said.find('\n') - 7));
    if (says_unknown(said)) throw UnknownToDecoder(text);
    throw UserError(text);
  }
  co_return fixtures::read_text(output);
}

}  // namespace

std::optional<fs::path> find_rdb_decoder() {
  const char* named = std::getenv("LOCKSTEP_RDB_DECODER");
  const fs::path path =
      named != nullptr ? fs::path(named) : fixtures::cache_folder() / "rdb-decoder/rdb";
  if (access(path.c_str(), X_OK) != 0) return std::nullopt;
  return path;
}

asio::awaitable<Contents> decode_rdb_file(asio::any_io_executor executor, fs::path decoder,
                                          fs::path file, std::chrono::milliseconds limit) {
  Words memory{"-c", "memory"}, aof{"-c", "aof"}, json{"-c", "json", "-concurrent", "1"};
  const std::string name = file.string();
  const std::string rows =
      co_await run_decoder(executor, decoder, file, memory, name + ".rows", limit);
  const std::string commands =
      co_await run_decoder(executor, decoder, file, aof, name + ".commands", limit);
  std::string objects;
  if (has_streams(rows))
    objects = co_await run_decoder(executor, decoder, file, json, name + ".objects", limit);
  co_return read_decoder_output(rows, commands, objects);
}

}  // namespace lockstep::scenarios
