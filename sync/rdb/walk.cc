#include "sync/rdb/walk.h"

namespace lockstep::rdb {

bool Walk::give(Cursor& cursor, Run& run, Section section, uint64_t count, Step then) {
  if (!cursor.ok()) return false;
  run.section = section;
  run.left = count;
  step_ = then;
  return true;
}

bool Walk::next(Cursor& cursor, Run& run) {
  const char* mark = cursor.mark();
  bool found = false;
  switch (info_->layout) {
    case Layout::stream:
      found = next_stream(cursor, run);
      break;
    case Layout::module:
      found = next_module(cursor, run);
      break;
    default:
      found = next_plain(cursor, run);
  }
  if (!cursor.ok()) cursor.rewind(mark);
  return found;
}

bool Walk::next_plain(Cursor& cursor, Run& run) {
  if (step_ == Step::end) return false;
  if (info_->layout == Layout::one) return give(cursor, run, info_->section, 1, Step::end);
  if (info_->layout == Layout::based_counted) run.base_expire_ms = cursor.fixed<int64_t>();
  return give(cursor, run, info_->section, cursor.length(), Step::end);
}

bool Walk::next_module(Cursor& cursor, Run& run) {
  if (step_ == Step::start) {
    cursor.length();  // the module's id
    if (!cursor.ok()) return false;
  }
  const char* mark = cursor.mark();
  run.module_opcode = cursor.length();
  if (run.module_opcode > 5) cursor.rewind(mark), cursor.fail("unknown opcode in a module's value");
  if (run.module_opcode == 0) return false;
  return give(cursor, run, Section::module_item, 1, Step::info);
}

bool Walk::next_stream(Cursor& cursor, Run& run) {
  switch (step_) {
    case Step::start:
      return give(cursor, run, Section::stream_node, cursor.length(), Step::info);
    case Step::info:
      return give(cursor, run, Section::stream_info, 1, Step::groups);
    case Step::groups:
      groups_ = cursor.length();
      [[fallthrough]];
    case Step::group:
      if (!cursor.ok() || groups_ == 0) return false;
      --groups_;
      return give(cursor, run, Section::stream_group, 1, Step::pending);
    case Step::pending:
      return give(cursor, run, Section::stream_pending, cursor.length(), Step::consumers);
    case Step::consumers:
      consumers_ = cursor.length();
      [[fallthrough]];
    case Step::consumer:
      if (!cursor.ok()) return false;
      if (consumers_ == 0) return step_ = Step::group, next_stream(cursor, run);
      --consumers_;
      return give(cursor, run, Section::stream_consumer, 1, Step::theirs);
    case Step::theirs:
      return give(cursor, run, Section::stream_consumer_pending, cursor.length(), Step::consumer);
    case Step::end:
      break;
  }
  return false;
}

namespace {

template <class SkipOne>
uint64_t skip_each(Cursor& cursor, Run& run, SkipOne skip_one) {
  const uint64_t before = run.left;
  for (; run.left > 0; --run.left) {
    const char* mark = cursor.mark();
    skip_one(cursor);
    if (!cursor.ok()) [[unlikely]] {
      cursor.rewind(mark);
      break;
    }
  }
  return before - run.left;
}

void skip_text_score(Cursor& cursor) {
  const uint8_t length = cursor.u8();
  if (length < 253) cursor.skip(length);
}

void skip_stream_info(Cursor& cursor, unsigned version) {
  for (int left = version >= 2 ? 8 : 3; left > 0; --left) cursor.length();
}

void skip_group(Cursor& cursor, unsigned version) {
  cursor.skip_string();
  for (int left = version >= 2 ? 3 : 2; left > 0; --left) cursor.length();
}

void skip_module_item(Cursor& cursor, uint64_t opcode) {
  switch (opcode) {
    case 3:
      cursor.skip(4);
      break;
    case 4:
      cursor.skip(8);
      break;
    case 5:
      cursor.skip_string();
      break;
    default:
      cursor.length();
  }
}

}  // namespace

uint64_t skip_elements(Cursor& cursor, Run& run, const TypeInfo& info) {
  const unsigned version = info.stream_version;
  const auto each = [&](auto skip_one) { return skip_each(cursor, run, skip_one); };
  switch (run.section) {
    default:
      return each([](Cursor& c) { c.skip_string(); });
    case Section::stream_node:
    case Section::hash_pair:
      return each([](Cursor& c) { c.skip_string(), c.skip_string(); });
    case Section::hash_pair_at:
      return each([](Cursor& c) { c.skip_string(), c.skip_string(), c.skip(8); });
    case Section::hash_pair_after:
      return each([](Cursor& c) { c.length(), c.skip_string(), c.skip_string(); });
    case Section::zset_text:
      return each([](Cursor& c) { c.skip_string(), skip_text_score(c); });
    case Section::zset_binary:
      return each([](Cursor& c) { c.skip_string(), c.skip(8); });
    case Section::hash_listpack_ex:
      return each([](Cursor& c) { c.skip(8), c.skip_string(); });
    case Section::list_node:
      return each([](Cursor& c) { c.length(), c.skip_string(); });
    case Section::stream_info:
      return each([=](Cursor& c) { skip_stream_info(c, version); });
    case Section::stream_group:
      return each([=](Cursor& c) { skip_group(c, version); });
    case Section::stream_pending:
      return each([](Cursor& c) { c.skip(24), c.length(); });
    case Section::stream_consumer:
      return each([=](Cursor& c) { c.skip_string(), c.skip(version >= 3 ? 16 : 8); });
    case Section::stream_consumer_pending:
      return each([](Cursor& c) { c.skip(16); });
    case Section::module_item:
      return each([&](Cursor& c) { skip_module_item(c, run.module_opcode); });
  }
}

}  // namespace lockstep::rdb
