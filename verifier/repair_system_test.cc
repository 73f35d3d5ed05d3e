#include <fstream>

#include "fixtures/capabilities.h"
#include "fixtures/child.h"
#include "fixtures/poll_until.h"
#include "verifier/journal.h"
#include "verifier/repair.h"
#include "verifier/test_plants.h"
#include "verifier/test_support.h"
#include "verifier/undo.h"

namespace lockstep::verifier {
namespace {

using fixtures::Topology;

/// What a server holds at a key. A reading of the expiry is as exact as the clock and the round
/// trip.
struct Held {
  static constexpr int64_t clock_ms = 2000;

  uint64_t digest = 0;
  int64_t expires_ms = -1;  ///< since the epoch; -1: never

  bool operator==(const Held& other) const {
    const bool expiring = expires_ms >= 0 && other.expires_ms >= 0;
    return digest == other.digest && (expiring ? std::abs(expires_ms - other.expires_ms) < clock_ms
                                               : expires_ms == other.expires_ms);
  }
  friend void PrintTo(const Held& held, std::ostream* out) {
    *out << held.digest << " until " << held.expires_ms;
  }
};
/// By key with its database.
using Contents = std::map<std::string, Held>;

int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

class Repair : public TwoSides {
 protected:
  std::filesystem::path out() const { return directory_.path() / "out"; }
  std::filesystem::path journal() const { return out() / "repair.jsonl"; }

  VerifyReport repair(RepairOptions how = {}) {
    VerifyOptions changed = options();
    changed.report = out();
    return verify_and_repair(changed, how);
  }

  /// By our own reading: DUMP and PTTL of every key.
  Contents contents(const net::Endpoint& endpoint) {
    Contents result;
    for (const char* db : {"0", "3"}) {
      if (try_ask(endpoint, {"SELECT", db}).is_error()) break;
      for (const resp::Value& key : ask(endpoint, {"KEYS", "*"}).items) {
        const HeldState held = held_state(ask(endpoint, {"DUMP", key.text}).text, {});
        const int64_t ttl = ask(endpoint, {"PTTL", key.text}).integer;
        result[std::string(db) + ":" + key.text] = {held.digest->low,
                                                    ttl < 0 ? ttl : now_ms() + ttl};
      }
    }
    try_ask(endpoint, {"SELECT", "0"});
    return result;
  }

  bool possible(const Plant& plant) const {
    const auto& source = source_->options().spec;
    const auto& target = target_->options().spec;
    return plant.since <= source.commands && plant.since <= target.commands &&
           (plant.since != 704 || (fixtures::capabilities_of(source).has("field-expiry") &&
                                   fixtures::capabilities_of(target).has("field-expiry")));
  }
  void run(const net::Endpoint& endpoint, const Plant::Commands& commands, const std::string& key) {
    for (Words words : commands) {
      std::replace(words.begin(), words.end(), std::string("KEY"), key);
      ask(endpoint, words);
    }
  }
  /// One key for each kind of difference; returns how many.
  uint64_t plant_all() {
    for (const Plant& plant : plants()) {
      if (possible(plant)) run(source(), plant.base, plant.name);
    }
    on_source({"SET", "elsewhere", "v"});
    copy();
    uint64_t count = 2;
    for (const Plant& plant : plants()) {
      if (!possible(plant)) continue;
      run(target(), plant.change, plant.name);
      if (plant.found) ++count;
    }
    on_target({"MOVE", "elsewhere", "3"});
    return count;
  }
};

TEST_F(Repair, EveryClassIsMendedAndUndone) {
  start();
  const uint64_t planted = plant_all();
  const Contents before = contents(target());
  const VerifyReport report = repair();
  EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
  ASSERT_TRUE(report.repair);
  EXPECT_EQ(report.repair->problem, "");
  EXPECT_EQ(report.repair->written + report.repair->removed, planted);
  EXPECT_EQ(report.repair->left, 0u) << report.repair->left_why;
  EXPECT_EQ(check(ReadMode::scan).verdict, Verdict::equal);

  const UndoReport undone = undo({.journal = journal(), .to = {}});
  EXPECT_EQ(undone.restored, planted);
  EXPECT_EQ(undone.changed, 0u);
  EXPECT_EQ(contents(target()), before);
  EXPECT_EQ(undo({.journal = journal(), .to = {}}).already, planted);
}

TEST_F(Repair, ADryRunWritesNothing) {
  start();
  const uint64_t planted = plant_all();
  const Contents before = contents(target());
  const VerifyReport report = repair({.dry_run = true});
  EXPECT_EQ(report.verdict, Verdict::different);
  EXPECT_EQ(report.repair->written + report.repair->removed, planted);
  EXPECT_EQ(contents(target()), before);
  EXPECT_FALSE(std::filesystem::exists(journal()));
}

TEST_F(Repair, IntoACluster) {
  start(Topology::standalone, Topology::cluster);
  for (int i = 0; i < 300; ++i) on_source({"SET", "key " + std::to_string(i), std::to_string(i)});
  for (int i = 0; i < 100; ++i) {
    const std::string key = "extra " + std::to_string(i);
    ask(owner(*target_, key), {"SET", key, "x"});
    ask(owner(*target_, key), {"PEXPIREAT", key, "4000000000000"});
  }
  const VerifyReport report = repair();
  EXPECT_EQ(report.verdict, Verdict::equal) << found(report);
  EXPECT_EQ(report.repair->written, 300u);
  EXPECT_EQ(report.repair->removed, 100u);
  EXPECT_EQ(undo({.journal = journal(), .to = {}}).restored, 400u);
  EXPECT_EQ(check().counts[static_cast<size_t>(DiffClass::extra)], 100u);
  EXPECT_EQ(check().counts[static_cast<size_t>(DiffClass::missing)], 300u);
}

TEST_F(Repair, UndoLeavesWhatWasChangedSince) {
  start();
  on_source({"SET", "a", "right"});
  on_source({"SET", "b", "right"});
  on_target({"SET", "a", "wrong"});
  EXPECT_EQ(repair().verdict, Verdict::equal);
  on_target({"SET", "a", "newer"});
  EXPECT_EQ(lockstep({"verify", "undo", journal()}), 1) << output();
  EXPECT_NE(output().find("changed  \"a\""), std::string::npos) << output();
  EXPECT_EQ(ask(target(), {"GET", "a"}).text, "newer");
  EXPECT_TRUE(ask(target(), {"GET", "b"}).is_null());
  EXPECT_EQ(lockstep({"verify", "undo", journal(), "--force"}), 0) << output();
  EXPECT_EQ(ask(target(), {"GET", "a"}).text, "wrong");
}

TEST_F(Repair, WithoutPermissionItSaysWhichOne) {
  start();
  on_source({"SET", "k", "v"});
  on_target({"ACL", "SETUSER", "reader", "on", ">x", "~*", "+@all", "-restore"});
  VerifyOptions changed = options();
  changed.to = {"redis://reader:x@" + target().label()};
  changed.report = out();
  const VerifyReport report = verify_and_repair(changed, {});
  EXPECT_EQ(report.verdict, Verdict::different);
  EXPECT_NE(report.repair->problem.find("+restore"), std::string::npos) << report.repair->problem;
}

TEST_F(Repair, AFullTargetIsSaid) {
  start();
  on_source({"SET", "k", "v"});
  on_target({"CONFIG", "SET", "maxmemory", "1"});
  const VerifyReport report = repair();
  EXPECT_EQ(report.verdict, Verdict::different);
  EXPECT_NE(report.repair->problem.find("memory is full"), std::string::npos)
      << report.repair->problem << report.problem;
  on_target({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(repair().verdict, Verdict::equal);
  EXPECT_TRUE(std::filesystem::exists(out() / "repair-2.jsonl"));
}

TEST_F(Repair, NeedsADirectoryAndAFile) {
  start();
  const std::string from = url(source()), to = url(target());
  EXPECT_EQ(lockstep({"verify", "--from", from, "--to", to, "--repair"}), 254) << output();
  EXPECT_EQ(lockstep({"verify", "--from", from, "--to", to, "--dry-run"}), 254) << output();
  EXPECT_EQ(lockstep({"verify", "undo", out() / "none"}), 254) << output();
  EXPECT_EQ(lockstep({"verify", "undo", "/etc/hostname"}), 254) << output();
}

asio::awaitable<void> kill_when_journal_has(asio::any_io_executor executor, Words arguments,
                                            std::filesystem::path journal, uint64_t lines) {
  fixtures::ChildOptions options;
  options.program = std::getenv("LOCKSTEP_BINARY");
  options.args = arguments;
  fixtures::Child child(executor, options);
  const auto enough = [&]() -> asio::awaitable<std::string> {
    std::ifstream file(journal);
    uint64_t count = 0;
    for (std::string line; std::getline(file, line);) ++count;
    co_return count > lines ? "" : "the journal is short";
  };
  co_await fixtures::poll_until(std::chrono::seconds(20), "the repair", enough);
  child.signal(SIGKILL);
  co_await child.wait(std::chrono::seconds(10));
}

TEST_F(Repair, KilledInTheMiddleItCanBeUndone) {
  start();
  for (int i = 0; i < 500; ++i) {
    const std::string key = "key " + std::to_string(i);
    on_source({"RPUSH", key, "a", "b"});
    if (i % 3 > 0) on_target({"RPUSH", key, "b", "a"});
    if (i % 5 == 0) on_target({"SET", "extra " + key, "x"});
  }
  const Contents before = contents(target());
  const Words arguments{"verify",   "--from", url(source()),   "--to", url(target()), "--quiet",
                        "--report", out(),    "--repair-rate", "200",  "--repair"};
  await(kill_when_journal_has(io_.get_executor(), arguments, journal(), 100));
  EXPECT_NE(contents(target()), before);
  const UndoReport undone = undo({.journal = journal(), .to = {}});
  EXPECT_GT(undone.restored, 0u);
  EXPECT_EQ(undone.changed, 0u);
  EXPECT_EQ(contents(target()), before);
}

TEST(Journal, ALineWithoutItsEndIsLeftOut) {
  const fixtures::TemporaryDirectory directory;
  std::filesystem::path path;
  {
    JournalWriter writer(directory.path(), {"redis://h"});
    path = writer.path();
    writer.add({.key = "first", .old_payload = std::string("\0x", 2), .written = {}});
    writer.add({.key = "second", .old_payload = {}, .old_expire_at = ExpireAt{5}, .written = {}});
    writer.sync();
  }
  JournalReader whole(path);
  EXPECT_EQ(whole.target_urls(), std::vector<std::string>{"redis://h"});
  EXPECT_EQ(whole.previous()->key, "second");
  EXPECT_EQ(whole.previous()->old_payload, std::string("\0x", 2));
  EXPECT_FALSE(whole.previous());
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  JournalReader cut(path);
  EXPECT_EQ(cut.size(), 1u);
  EXPECT_EQ(cut.previous()->key, "first");
}

}  // namespace
}  // namespace lockstep::verifier
