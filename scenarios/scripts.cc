#include "scenarios/scripts.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>

#include "sync/base/error.h"

namespace lockstep::scenarios {

namespace {

struct Script {
  std::string_view name;
  std::string_view text;
};

constexpr Script scripts[] = {
    {"set", "return redis.call('SET',KEYS[1],ARGV[1])"},
    {"incr",
     "redis.call('INCR',KEYS[1]) return redis.call('INCRBY',KEYS[2],tonumber(ARGV[1]) or 1)"},
    {"move", "return redis.call('RPOPLPUSH',KEYS[1],KEYS[2])"},
    {"swap",
     "local a=redis.call('GET',KEYS[1]) local b=redis.call('GET',KEYS[2]) "
     "if a then redis.call('SET',KEYS[2],a) end if b then redis.call('SET',KEYS[1],b) end "
     "return 1"},
    {"many",
     "redis.call('SADD',KEYS[1],ARGV[1]) redis.call('HSET',KEYS[2],ARGV[1],ARGV[2]) "
     "return redis.call('ZINCRBY',KEYS[3],1.5,ARGV[1])"},
    // Half of it happens: what was written before the error stays.
    {"fail",
     "redis.call('SET',KEYS[1],ARGV[1]) redis.call('LPUSH',KEYS[1],'x') "
     "return redis.call('SET',KEYS[2],ARGV[1])"},
    {"read", "return redis.call('TYPE',KEYS[1])"},
    {"random", "return redis.call('RPUSH',KEYS[1],math.random(1,1000000))"},
    {"spop",
     "if redis.replicate_commands then redis.replicate_commands() end "
     "local m=redis.call('SPOP',KEYS[1]) if m then redis.call('SADD',KEYS[2],m) end return m"},
    {"time",
     "if redis.replicate_commands then redis.replicate_commands() end "
     "local t=redis.call('TIME') return redis.call('SET',KEYS[1],t[1]..'.'..t[2])"},
    {"expireat",
     "if redis.replicate_commands then redis.replicate_commands() end local t=redis.call('TIME') "
     "return redis.call('PEXPIREAT',KEYS[1],t[1]*1000+math.floor(t[2]/1000)+tonumber(ARGV[1]))"},
    {"expirenow", "redis.call('SET',KEYS[1],'x') return redis.call('EXPIRE',KEYS[1],0)"},
    {"effects",
     "if redis.replicate_commands then redis.replicate_commands() end "
     "if redis.set_repl then redis.set_repl(redis.REPL_ALL) end redis.call('INCR',KEYS[1]) "
     "return redis.call('APPEND',KEYS[2],ARGV[1])"},
    {"undeclared", "return redis.call('SET',KEYS[1]..'x','undeclared')"},
    {"bigset",
     "for i=1,3000 do redis.call('SADD',KEYS[1],ARGV[1]..':'..i) end return redis.call('SCARD',KEYS"
     "[1])"},
    {"bighash",
     "for i=1,3000 do redis.call('HSET',KEYS[1],'f'..i,ARGV[1]..':'..i) end return 3000"},
    {"biglist", "for i=1,3000 do redis.call('RPUSH',KEYS[1],ARGV[1]..':'..i) end return 3000"},
    {"bigzset", "for i=1,3000 do redis.call('ZADD',KEYS[1],i*0.1,ARGV[1]..':'..i) end return 3000"},
    {"library",
     "#!lua name=lockstep\n"
     "redis.register_function('lockstep_set',function(keys,args) return "
     "redis.call('SET',keys[1],args[1]) end)\n"
     "redis.register_function('lockstep_push',function(keys,args) "
     "redis.call('RPUSH',keys[1],args[1]) "
     "return redis.call('RPOPLPUSH',keys[1],keys[2]) end)"},
};

}  // namespace

std::string_view script(std::string_view name) {
  const auto* found = std::find_if(std::begin(scripts), std::end(scripts),
                                   [&](const Script& each) { return each.name == name; });
  LOCKSTEP_ASSERT(found != std::end(scripts));
  return found->text;
}

std::string script_digest(std::string_view name) {
  const auto text = script(name);
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

}  // namespace lockstep::scenarios
