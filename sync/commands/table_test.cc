#include <set>

#include "sync/commands/test_support.h"
#include "sync/commands/text.h"

namespace lockstep::commands {
namespace {

Bytes name_of(const std::string& line) {
  const Request request(line);
  const Spec* spec = find(request.args);
  return spec == nullptr ? "" : spec->name;
}

TEST(Table, FindsNamesInAnyCase) {
  EXPECT_EQ(name_of("set k v"), "set");
  EXPECT_EQ(name_of("SeT k v"), "set");
  EXPECT_EQ(name_of("PEXPIREAT k 1"), "pexpireat");
  EXPECT_EQ(name_of("RESTORE-ASKING k 0 p"), "restore-asking");
}

TEST(Table, FindsSubcommands) {
  EXPECT_EQ(name_of("XGROUP CREATE k g $"), "xgroup create");
  EXPECT_EQ(name_of("xgroup CreateConsumer k g c"), "xgroup createconsumer");
  EXPECT_EQ(name_of("SCRIPT LOAD x"), "script load");
  EXPECT_EQ(name_of("FUNCTION"), "function");
  EXPECT_EQ(name_of("XGROUP NONSENSE k"), "");
  EXPECT_EQ(name_of("XGROUP '' k"), "");
}

TEST(Table, DoesNotFindWhatIsNotACommand) {
  EXPECT_EQ(name_of("NOSUCH k"), "");
  EXPECT_EQ(name_of("''"), "");
  EXPECT_EQ(find({}), nullptr);
  const Request spaced(std::vector<std::string>{"xgroup create", "k"});
  EXPECT_EQ(find(spaced.args), nullptr);
  const Request other_case(std::vector<std::string>{"\x13\x05\x14"});  // "set" without bits 5 and 6
  EXPECT_EQ(find(other_case.args), nullptr);
}

TEST(Table, EveryRowIsFoundByItsNameAndNamesAreUnique) {
  std::set<Bytes> names;
  for (const Spec& spec : all()) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    const Request request{std::string(spec.name)};
    EXPECT_EQ(find(request.args), &spec) << spec.name;
    EXPECT_EQ(request.args.size(), spec.is_subcommand ? 2u : 1u) << spec.name;
  }
}

TEST(Table, RowsAreConsistent) {
  for (const Spec& spec : all()) {
    const bool has_keys = spec.keys[0].find != KeyRule::Find::none;
    EXPECT_EQ(has_keys, spec.scope == Scope::keys) << spec.name;
    EXPECT_TRUE(has_keys || spec.split == Split::none) << spec.name;
    EXPECT_TRUE(spec.write || spec.expiry == Expiry::none) << spec.name;
  }
}

TEST(Table, ScopesOfKeylessCommands) {
  const auto scope = [](const std::string& line) { return find(Request(line).args)->scope; };
  EXPECT_EQ(scope("FLUSHALL ASYNC"), Scope::flush);
  EXPECT_EQ(scope("SWAPDB 0 1"), Scope::flush);
  EXPECT_EQ(scope("FUNCTION LOAD x"), Scope::script);
  EXPECT_EQ(scope("SPUBLISH c m"), Scope::publish);
  EXPECT_EQ(scope("EXEC"), Scope::transaction);
  EXPECT_EQ(scope("SELECT 3"), Scope::select);
  EXPECT_EQ(scope("REPLCONF GETACK *"), Scope::replication);
  EXPECT_EQ(scope("CONFIG SET a b"), Scope::other);
}

}  // namespace
}  // namespace lockstep::commands
