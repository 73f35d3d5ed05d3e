#pragma once

#include <bitset>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "sync/commands/commands.h"

namespace lockstep::commands {

/// What a target may lack although it has the command.
enum class Option : uint8_t {
  set_keepttl,       ///< SET … KEEPTTL
  set_pxat,          ///< SET … EXAT, PXAT
  set_conditions,    ///< SET … IFEQ and its kin
  zadd_conditions,   ///< ZADD … NX, XX, CH, INCR
  zadd_comparisons,  ///< ZADD … GT, LT
  geoadd_conditions,
  bitop_more,       ///< BITOP DIFF, DIFF1, ANDOR, ONE
  restore_replace,  ///< RESTORE … REPLACE
  restore_absttl,   ///< RESTORE … ABSTTL, IDLETIME, FREQ
  xadd_minid,       ///< XADD … NOMKSTREAM, MINID, LIMIT, and XTRIM's
  xadd_references,  ///< XADD … KEEPREF, DELREF, ACKED, and XTRIM's
  stream_counters,  ///< XGROUP … ENTRIESREAD, XSETID … ENTRIESADDED
  create_consumer,  ///< XGROUP CREATECONSUMER
  /// A search by distance gives what it gave at the source: both are the same release.
  same_searches,
  /// XCLAIM of an entry that was deleted does what it did at the source.
  same_claims,
  count,
};

/// The commands and options that a server takes, as the server itself has shown.
class Dialect {
 public:
  /// Knows no command until it is learnt.
  Dialect();
  /// Knows all that is in the table.
  static Dialect newest();
  /// Knows what both know, with the smaller number of arguments.
  static Dialect common(const Dialect& a, const Dialect& b);

  /// One command that COMMAND lists, with its arity; a subcommand as "xgroup|create". Others than
  /// those in the table are left aside.
  void learn(Bytes name, int arity);
  /// After the last one. A container whose subcommands were not listed (before 7.0) has them all.
  void end_of_list();
  void set(Option option, bool has) { options_.set(static_cast<size_t>(option), has); }
  bool has(Option option) const { return options_.test(static_cast<size_t>(option)); }

  bool knows(const Spec& spec) const { return arity_[row(spec)] != 0; }
  bool knows(Bytes name) const;
  /// The command is known, and takes so many arguments (its name included).
  bool takes(const Spec& spec, size_t count) const;

 private:
  static size_t row(const Spec& spec) { return static_cast<size_t>(&spec - all().data()); }

  std::vector<int8_t> arity_;  ///< by row of the table; 0: not known
  std::bitset<static_cast<size_t>(Option::count)> options_;
};

/// Requests that stand for another one. Views into its arguments, or into texts made here.
class Requests {
 public:
  void clear();
  void begin(Bytes name) { requests_.push_back({name}); }
  void add(Bytes argument) { requests_.back().push_back(argument); }
  void add(std::span<const Bytes> arguments) {
    requests_.back().insert(requests_.back().end(), arguments.begin(), arguments.end());
  }
  void add_text(std::string text) { add(texts_.emplace_back(std::move(text))); }
  const std::vector<std::vector<Bytes>>& all() const { return requests_; }

 private:
  std::vector<std::vector<Bytes>> requests_;
  std::deque<std::string> texts_;
};

/// How a request of a replication stream gets to a server of some dialect.
enum class Fit : uint8_t {
  as_is,
  rewritten,  ///< as other requests, perhaps none, which do the same to the same data
  fence,      ///< not at all: its written keys have to be read again
};
/// What a server that may be older than the source takes instead of this request, into `out`
/// (cleared first). The request comes from a replication stream: whatever condition it has was met
/// at the source, and nobody wants its reply. README.md has the table. Expiries are left as they
/// are: rewrite_expiry() comes behind, for each of the requests.
Fit adapt(const Dialect& dialect, const Spec& spec, std::span<const Bytes> args, Requests& out);

}  // namespace lockstep::commands
