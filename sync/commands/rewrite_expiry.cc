// What is sent for each form. `at` is the absolute expiry with the grace, `left` how far that is
// from the source's clock; the second column is for targets before 6.2.
//
//   EXPIRE … PEXPIREAT k n [f]   PEXPIREAT k at [f]         the same
//   SET k v EX n [f]             SET k v PXAT at [f]        SET k v PX left [f] · PEXPIREAT k at
//   SETEX, PSETEX k n v          SET k v PXAT at            PSETEX k left v · PEXPIREAT k at
//   GETEX k EX n                 PEXPIREAT k at             the same
//   RESTORE k n p [f]            RESTORE k at p [f] ABSTTL  RESTORE k left p [f] · PEXPIREAT k at
//   MSETEX … EX n                MSETEX … PXAT at           the same (no older server knows it)
//
// The relative forms set an expiry at once, so that a key that should die is never left without one
// if the connection ends between the two.
#include <algorithm>
#include <limits>

#include "sync/commands/commands.h"
#include "sync/commands/text.h"

namespace lockstep::commands {
namespace {

using Args = std::span<const Bytes>;

int64_t add_clamped(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return a < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

int64_t seconds_clamped(int64_t seconds) {
  int64_t ms = 0;
  if (!__builtin_mul_overflow(seconds, int64_t{1000}, &ms)) return ms;
  return seconds < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

/// How a number in a request becomes an absolute time.
struct Unit {
  bool seconds = false;
  bool relative = false;
};

std::optional<Unit> option_unit(Bytes option) {
  if (is_word(option, "ex")) return Unit{true, true};
  if (is_word(option, "px")) return Unit{false, true};
  if (is_word(option, "exat")) return Unit{true, false};
  if (is_word(option, "pxat")) return Unit{false, false};
  return {};
}

/// Servers refuse expiries far outside this range, which holds every date to the year 100,000 and
/// more.
constexpr int64_t farthest_ms = std::numeric_limits<int64_t>::max() / 4;

std::optional<int64_t> absolute(Bytes number, Unit unit, const ExpiryRewrite& rewrite) {
  const auto value = to_integer(number);
  if (!value) return {};
  const int64_t ms = unit.seconds ? seconds_clamped(*value) : *value;
  const int64_t at = unit.relative ? add_clamped(ms, rewrite.now_ms) : ms;
  return std::clamp(add_clamped(at, rewrite.grace_ms), -farthest_ms, farthest_ms);
}

/// Appends requests in the protocol's multibulk form.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  void begin(size_t count) { header('*', count); }
  void add(Bytes text) {
    header('$', text.size());
    out_.append(text).append("\r\n");
  }
  void add(Args args) {
    for (const Bytes arg : args) add(arg);
  }
  void add(int64_t number) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    add(Bytes(digits, static_cast<size_t>(end - digits)));
  }

 private:
  void header(char type, size_t number) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out_.append(1, type).append(digits, end).append("\r\n");
  }
  std::string& out_;
};

/// One rewrite: the request, where it goes and how.
class Rewriter {
 public:
  Rewriter(Args args, const ExpiryRewrite& rewrite, std::string& out)
      : args_(args), rewrite_(rewrite), writer_(out) {}

  /// EXPIRE and its kin; the conditions after the time are kept.
  size_t expire(Unit unit) {
    const auto at = time(2, unit);
    if (!at) return 0;
    writer_.begin(args_.size());
    writer_.add("PEXPIREAT");
    writer_.add(args_[1]);
    writer_.add(*at);
    writer_.add(args_.subspan(3));
    return 1;
  }

  size_t setex(Unit unit) {
    const auto at = args_.size() == 4 ? time(2, unit) : std::nullopt;
    if (!at) return 0;
    if (!rewrite_.target_supports_pxat) return psetex_then_expire(*at);
    writer_.begin(5);
    writer_.add("SET");
    writer_.add(args_[1]);
    writer_.add(args_[3]);
    writer_.add("PXAT");
    writer_.add(*at);
    return 1;
  }

  /// SET and MSETEX, whose options begin at `first`.
  size_t set(size_t first) {
    const size_t option = expiry_option(first);
    const auto at = option == 0 ? std::nullopt : time(option + 1, *option_unit(args_[option]));
    if (!at) return 0;
    const bool absolute = rewrite_.target_supports_pxat || first != 3;
    writer_.begin(args_.size());
    writer_.add(args_.first(option));
    writer_.add(absolute ? "PXAT" : "PX");
    writer_.add(absolute ? *at : left(*at));
    writer_.add(args_.subspan(option + 2));
    return absolute ? 1 : 1 + expire_at(*at);
  }

  size_t getex() {
    const size_t option = expiry_option(2);
    const auto at = option == 0 ? std::nullopt : time(option + 1, *option_unit(args_[option]));
    return at ? expire_at(*at) : 0;
  }

  size_t restore() {
    if (args_.size() < 4 || args_[2] == "0") return 0;
    const size_t absttl = find_option(4, "absttl");
    const auto at = time(2, {.seconds = false, .relative = absttl == 0});
    if (!at) return 0;
    return rewrite_.target_supports_pxat ? restore_at(*at, absttl) : restore_left(*at, absttl);
  }

 private:
  std::optional<int64_t> time(size_t argument, Unit unit) const {
    if (argument >= args_.size()) return {};
    return absolute(args_[argument], unit, rewrite_);
  }

  /// What is left until `at`; servers refuse less than one millisecond.
  int64_t left(int64_t at) const {
    return std::max<int64_t>(1, add_clamped(at, -std::max<int64_t>(0, rewrite_.now_ms)));
  }

  /// Index of EX, PX, EXAT or PXAT from `first` on; 0: there is none.
  size_t expiry_option(size_t first) const {
    for (size_t i = first; i < args_.size(); ++i) {
      if (is_word(args_[i], "ifeq"))
        ++i;  // its value may look like an option
      else if (option_unit(args_[i]))
        return i;
    }
    return 0;
  }

  size_t find_option(size_t first, Bytes word) const {
    for (size_t i = first; i < args_.size(); ++i) {
      if (is_word(args_[i], word)) return i;
    }
    return 0;
  }

  size_t expire_at(int64_t at) {
    writer_.begin(3);
    writer_.add("PEXPIREAT");
    writer_.add(args_[1]);
    writer_.add(at);
    return 1;
  }

  size_t psetex_then_expire(int64_t at) {
    writer_.begin(4);
    writer_.add("PSETEX");
    writer_.add(args_[1]);
    writer_.add(left(at));
    writer_.add(args_[3]);
    return 1 + expire_at(at);
  }

  size_t restore_at(int64_t at, size_t absttl) {
    writer_.begin(args_.size() + (absttl == 0 ? 1 : 0));
    writer_.add(args_.first(2));
    writer_.add(std::max<int64_t>(1, at));
    writer_.add(args_.subspan(3));
    if (absttl == 0) writer_.add("ABSTTL");
    return 1;
  }

  size_t restore_left(int64_t at, size_t absttl) {
    writer_.begin(args_.size() - (absttl == 0 ? 0 : 1));
    writer_.add(args_.first(2));
    writer_.add(left(at));
    writer_.add(args_.subspan(3, (absttl == 0 ? args_.size() : absttl) - 3));
    if (absttl != 0) writer_.add(args_.subspan(absttl + 1));
    return 1 + expire_at(at);
  }

  Args args_;
  const ExpiryRewrite& rewrite_;
  Writer writer_;
};

size_t msetex_options(Args args) {
  const auto count = args.size() > 1 ? to_integer(args[1]) : std::nullopt;
  if (!count || *count < 1 || static_cast<uint64_t>(*count) > args.size() / 2) return args.size();
  return 2 + 2 * static_cast<size_t>(*count);
}

}  // namespace

size_t rewrite_expiry(const Spec& spec, Args args, const ExpiryRewrite& rewrite, std::string& out) {
  Rewriter rewriter(args, rewrite, out);
  switch (spec.expiry) {
    case Expiry::none:
      return 0;
    case Expiry::set:
      return rewriter.set(3);
    case Expiry::msetex:
      return rewriter.set(msetex_options(args));
    case Expiry::getex:
      return rewriter.getex();
    case Expiry::setex:
      return rewriter.setex({.seconds = true, .relative = true});
    case Expiry::psetex:
      return rewriter.setex({.seconds = false, .relative = true});
    case Expiry::expire:
      return rewriter.expire({.seconds = true, .relative = true});
    case Expiry::pexpire:
      return rewriter.expire({.seconds = false, .relative = true});
    case Expiry::expireat:
      return rewriter.expire({.seconds = true, .relative = false});
    case Expiry::pexpireat:
      return rewriter.expire({.seconds = false, .relative = false});
    case Expiry::restore:
      return rewriter.restore();
  }
  return 0;
}

}  // namespace lockstep::commands
