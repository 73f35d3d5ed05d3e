#include "scenarios/expand.h"

#include <fmt/format.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <map>

#include "scenarios/scripts.h"
#include "scenarios/words.h"
#include "sync/base/error.h"

namespace lockstep::scenarios {

namespace {

constexpr std::array<std::string_view, 10> key_types = {"str",    "int", "hash", "set", "zset",
                                                        "stream", "hll", "bits", "geo", "seq"};
constexpr int64_t year_2100 = 4102444800;

/// Draws values with rapidcheck's generators, one split of the seed after another.
class Draw {
 public:
  explicit Draw(const rc::Random& random) : random_(random) {}

  template <typename T>
  T from(const rc::Gen<T>& gen, int size = 30) {
    return gen(random_.split(), size).value();
  }
  int64_t range(int64_t low, int64_t high) {
    return from(rc::gen::inRange<int64_t>(low, high + 1), rc::kNominalSize);
  }
  bool chance(int percent) { return range(1, 100) <= percent; }
  template <size_t N>
  std::string one_of(const std::array<const char*, N>& values) {
    return values[static_cast<size_t>(range(0, N - 1))];
  }
  std::string bytes(int64_t low, int64_t high) {
    const auto length = static_cast<size_t>(range(low, high));
    return from(rc::gen::container<std::string>(length, rc::gen::arbitrary<char>()));
  }

 private:
  rc::Random random_;
};

/// Small numbers, words, compressible, binary and empty strings.
std::string draw_value(Draw& draw) {
  switch (draw.range(0, 9)) {
    case 0:
      return "";
    case 1:
      return draw.bytes(1, 24);
    case 2:
      return std::string(static_cast<size_t>(draw.range(20, 200)), 'z');
    case 3:
      return fmt::format("line {}\r\nnext \xc3\xa9", draw.range(0, 9));
    case 4:
    case 5:
    case 6:
      return std::to_string(draw.range(-20, 20));
    default:
      return fmt::format("v{}", draw.range(0, 1000));
  }
}

std::string draw_big(Draw& draw) {
  const std::string seed = draw.bytes(8, 16);
  std::string value;
  const auto length = static_cast<size_t>(draw.range(2000, 20000));
  for (uint64_t state = 88172645463325252ull + seed.size(); value.size() < length;) {
    value += seed;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    value.append(reinterpret_cast<const char*>(&state), sizeof(state));
  }
  return value;
}

std::string draw_score(Draw& draw) {
  static constexpr std::array<const char*, 10> special = {
      "inf", "-inf", "0.1", "1e300", "-0", "9007199254740993", "3.0000000000000004", "1", "1", "2"};
  return draw.chance(40) ? draw.one_of(special) : std::to_string(draw.range(-9, 9));
}

std::string draw_lex(Draw& draw) {
  static constexpr std::array<const char*, 4> open = {"-", "+", "(", "["};
  const std::string start = draw.one_of(open);
  return start == "-" || start == "+" ? start : start + fmt::format("m{}", draw.range(0, 15));
}

/// Fills in the words of one form.
class Expander {
 public:
  Expander(const StepContext& context, const rc::Random& random)
      : context_(context), draw_(random) {
    const int tagged = context.source == TopologyKind::standalone ? 40 : 85;
    if (draw_.chance(tagged))
      tag_ = fmt::format("{{{}}}", static_cast<char>('a' + draw_.range(0, 3)));
  }

  Step run(const Form& form) {
    // Nothing in a Twemproxy checks that the keys of one command lie on one server.
    if (context_.source == TopologyKind::twemproxy && tag_.empty()) tag_ = "{a}";
    const auto words = split_words(form.words);
    step_.commands.emplace_back();
    for (size_t i = 0; i < words.size();) i = expand_at(words, i);
    if (form.flags & all_nodes) step_.route = "*";
    if (step_.route.empty()) step_.route = key("str");
    return std::move(step_);
  }

 private:
  size_t expand_at(const std::vector<std::string>& words, size_t i) {
    const std::string& word = words[i];
    if (word == "[") return expand_repeat(words, i);
    if (word == ";") {
      if (!args().empty()) step_.commands.push_back({delay_ms_, {}});
    } else if (word.size() > 1 && word[0] == '~') {
      delay_ms_ += static_cast<uint32_t>(std::stoul(word.substr(1)));
      step_.commands.back().delay_ms = delay_ms_;
    } else {
      args().push_back(word[0] == '$' && word.size() > 1 ? value_of(word.substr(1)) : word);
    }
    return i + 1;
  }

  size_t expand_repeat(const std::vector<std::string>& words, size_t begin) {
    const auto end =
        static_cast<size_t>(std::find(words.begin() + begin, words.end(), "]") - words.begin());
    const auto count = draw_.range(1, 3);
    for (int64_t n = 0; n < count; ++n) {
      for (size_t i = begin + 1; i < end; ++i) expand_at(words, i);
    }
    return end + 1;
  }

  std::vector<std::string>& args() { return step_.commands.back().args; }

  std::string value_of(const std::string& name) {
    if (name == "0") return step_.route;
    if (name.starts_with("lua:")) return std::string(script(name.substr(4)));
    if (name.starts_with("sha:")) return script_digest(name.substr(4));
    if (is_key(name)) return note_key(key(name));
    if (name == "e" || name == "e1" || name == "sid" || name == "sid1") return unique(name);
    if (name == "g1" || name == "c1") return remembered(name);
    return number_or_text(name);
  }

  std::string remembered(const std::string& name) {
    const auto [found, added] = remembered_.try_emplace(name);
    if (added) found->second = number_or_text(name.substr(0, 1));
    return found->second;
  }

  static bool is_key(const std::string& name) {
    return name == "k" || name == "list" ||
           std::find(key_types.begin(), key_types.end(), name) != key_types.end();
  }

  std::string note_key(std::string name) {
    if (step_.route.empty()) step_.route = name;
    return name;
  }

  /// Mostly a key of the type asked for; lists of unique elements are left to their own family.
  std::string key(std::string type) {
    if (type == "k" || (type != "list" && draw_.chance(8))) {
      type = key_types[static_cast<size_t>(draw_.range(0, key_types.size() - 1))];
    }
    return fmt::format("{}{}:{}", tag_, type, draw_.range(0, context_.keys - 1));
  }

  /// Names ending in 1 are the same wherever they stand in the step.
  std::string unique(const std::string& name) {
    const bool again = name.back() == '1';
    if (again && remembered_.count(name)) return remembered_[name];
    const auto n = uniques_++;
    std::string value = name[0] == 'e' ? fmt::format("e{}.{}", context_.index, n)
                                       : fmt::format("{}-{}", 1000 + context_.index, n + 1);
    if (again) remembered_[name] = value;
    return value;
  }

  std::string number_or_text(const std::string& name) {
    if (name == "v") return draw_value(draw_);
    if (name == "big") return draw_big(draw_);
    if (name == "score") return draw_score(draw_);
    if (name == "lex") return draw_lex(draw_);
    if (name == "m") return fmt::format("m{}", draw_.range(0, 15));
    if (name == "g") return fmt::format("g{}", draw_.range(0, 2));
    if (name == "c") return fmt::format("c{}", draw_.range(0, 2));
    if (name == "f") return fmt::format("{}", 0.25 * static_cast<double>(draw_.range(-40, 40)));
    if (name == "lon") return fmt::format("{}.5", draw_.range(0, 30));
    if (name == "lat") return fmt::format("{}.25", draw_.range(40, 60));
    if (name == "oldsid") return fmt::format("{}-1", 1000 + draw_.range(0, context_.index));
    return std::to_string(integer(name));
  }

  int64_t integer(const std::string& name) {
    if (name == "n") return draw_.range(-5, 20);
    if (name == "d") return draw_.range(-9, 9);
    if (name == "ms") return draw_.chance(80) ? draw_.range(1, 1500) : draw_.range(1500, 6000);
    if (name == "sec") return draw_.range(1, 4);
    if (name == "long") return draw_.range(600'000, 9'000'000);
    if (name == "future") return year_2100 + draw_.range(0, 1000);
    if (name == "futurems") return (year_2100 + draw_.range(0, 1000)) * 1000 + draw_.range(0, 999);
    if (name == "past") return draw_.range(1, 1'500'000'000);
    if (name == "pastms") return draw_.range(1, 1'500'000'000'000);
    if (name == "idx") return draw_.range(-3, 5);
    if (name == "bit") return draw_.range(0, 300);
    LOCKSTEP_ASSERT(false && "a placeholder that the expander knows");
  }

  StepContext context_;
  Draw draw_;
  std::string tag_;
  Step step_;
  uint32_t delay_ms_ = 0;
  uint32_t uniques_ = 0;
  std::map<std::string, std::string> remembered_;
};

}  // namespace

Step expand(const Form& form, const StepContext& context, rc::Random random) {
  return Expander(context, random).run(form);
}

size_t pick(rc::Random& random, size_t count) {
  return rc::gen::inRange<size_t>(0, count)(random.split(), rc::kNominalSize).value();
}

}  // namespace lockstep::scenarios
