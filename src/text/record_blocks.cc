#include "text/record_blocks.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include "base/check.h"
#include "io/gzip_stream.h"
#include "io/zstd_stream.h"
#include "text/csv_records.h"
#include "text/input_start.h"
#include "text/json_blank.h"
#include "text/line_counter.h"
#include "text/raw_input.h"
#include "text/record_scanner.h"

namespace weir::text {
namespace {

constexpr size_t first_read_bytes = 64u << 10;

// A row's index within its block has 24 bits, and a record takes at least one byte: within so many
// bytes there cannot be too many.
constexpr size_t most_scanned_at_once = (size_t{1} << 24) - 1;

std::unique_ptr<io::ByteStream> decompress(RawInput& raw, Compression compression) {
  if (compression == Compression::gzip) return std::make_unique<io::GzipStream>(raw);
  if (compression == Compression::zstd) return std::make_unique<io::ZstdStream>(raw);
  return nullptr;
}

}  // namespace

// `pending` is what was read and not handed out: mostly the beginning of a record. Every function
// is called with `mutex` held.
struct RecordBlocks::State {
  State(io::ByteStream& stream, RecordOptions given)
      : options(std::move(given)),
        raw(stream, options.digest ? RawInput::Digest::wanted : RawInput::Digest::none),
        decompressed(decompress(raw, options.compression)) {}

  Result<void> open();
  Result<void> open_text();
  Result<void> open_json();
  Result<void> open_csv();
  Result<void> skip_line();
  Result<void> read_header();
  Result<bool> next(RecordBlock& block);

  // Reads one chunk (less only at the end) behind what `buffer` holds. Whoever reads undigested
  // bytes must see to their digest.
  enum class When { now, later };
  Result<void> read_chunk(BlockBuffer& buffer, When digest);
  Result<void> read_pending() { return read_chunk(pending, When::now); }
  void consume(size_t bytes);

  RecordScanner::Found scan(const BlockBuffer& buffer);
  void deliver(RecordBlock& block, size_t bytes);
  Result<void> pass_over(RecordBlock& block, const char* reason);
  void publish(RecordBlock& block, uint64_t length, std::string_view consumed);
  bool can_digest_later() const {
    return decompressed == nullptr && options.digest && options.chunk_bytes == digest_block_bytes;
  }

  std::mutex mutex;
  const RecordOptions options;
  RawInput raw;
  std::unique_ptr<io::ByteStream> decompressed;  // none for plain input
  std::unique_ptr<RecordScanner> scanner;        // made by open()
  RecordFormat format;
  std::vector<std::string> header;
  BlockIndex index;

  bool opened = false;
  bool at_end = false;  // of reading; there may be pending bytes
  std::optional<Error> error;
  BlockBuffer pending;
  uint64_t offset = 0;  // of pending's first byte
  LineCounter lines;    // of what was handed out
};

Result<void> RecordBlocks::State::read_chunk(BlockBuffer& buffer, When digest) {
  const size_t begin = buffer.size();
  const size_t wanted = begin + options.chunk_bytes;
  // A small file gets a small buffer: one byte more than it has shows its end.
  size_t room = begin + std::min(options.chunk_bytes, first_read_bytes);
  const uint64_t size = decompressed == nullptr ? raw.size_bytes() : 0;
  if (size > raw.bytes_read()) {
    room = begin + static_cast<size_t>(
                       std::min<uint64_t>(options.chunk_bytes, size - raw.bytes_read() + 1));
  }
  room = std::max(room, std::min(buffer.capacity(), wanted));
  while (buffer.size() < wanted) {
    if (buffer.size() == room) room = std::min(wanted, begin + (room - begin) * 2);
    buffer.reserve(room);
    char* const target = buffer.data() + buffer.size();
    const size_t count = room - buffer.size();
    size_t got = 0;
    if (decompressed != nullptr) {
      got = WEIR_TRY(decompressed->read(target, count));
    } else if (digest == When::later) {
      got = WEIR_TRY(raw.read_undigested(target, count));
    } else {
      got = WEIR_TRY(raw.read(target, count));
    }
    if (got == 0) {
      at_end = true;
      break;
    }
    buffer.resize(buffer.size() + got);
  }
  return {};
}

void RecordBlocks::State::consume(size_t bytes) {
  if (options.count_lines) lines.add({pending.data(), bytes});
  pending.drop_front(bytes);
  offset += bytes;
}

Result<void> RecordBlocks::State::open() {
  opened = true;
  WEIR_TRY(check_options(options));
  format.csv = options.csv;
  format.max_record_bytes = options.max_record_bytes;
  format.layout = RecordLayout::lines;
  WEIR_TRY(open_text());
  WEIR_TRY(options.format == Format::csv ? open_csv() : open_json());
  scanner = make_scanner(format);
  return {};
}

Result<void> RecordBlocks::State::open_text() {
  while (pending.size() < encoding_bytes && !at_end) WEIR_TRY(read_pending());
  const size_t mark =
      WEIR_TRY(check_encoding({pending.data(), std::min(pending.size(), encoding_bytes)}));
  consume(mark);
  return {};
}

Result<void> RecordBlocks::State::open_json() {
  if (options.layout == JsonLayout::lines) return {};
  // Blanks in front are dropped as they come: there may be any number of them.
  while (true) {
    size_t blanks = 0;
    while (blanks < pending.size() && is_json_blank(pending.data()[blanks])) ++blanks;
    consume(blanks);
    if (pending.size() > 0 || at_end) break;
    WEIR_TRY(read_pending());
  }
  if (pending.size() == 0) return {};
  const char first = pending.data()[0];
  if (first == '[') {
    format.layout = RecordLayout::array;
    consume(1);
  } else if (options.layout == JsonLayout::array) {
    return fail(ErrorCode::invalid_input,
                "expected a JSON array, which starts with '['; found other text at byte " +
                    std::to_string(offset),
                "set layout: lines, or leave it out");
  } else if (first == '{') {
    auto layout = detect_layout({pending.data(), pending.size()}, at_end);
    while (!layout) {
      WEIR_TRY(read_pending());
      layout = detect_layout({pending.data(), pending.size()}, at_end);
    }
    format.layout = *layout;
  }
  return {};
}

Result<void> RecordBlocks::State::open_csv() {
  format.layout = RecordLayout::csv;
  for (int line = 0; line < options.csv.skip_lines; ++line) WEIR_TRY(skip_line());
  if (options.csv.header) WEIR_TRY(read_header());
  const size_t columns = options.csv.header ? header.size() : options.columns;
  format.blank_line_is_record = columns == 1;
  return {};
}

Result<void> RecordBlocks::State::skip_line() {
  while (true) {
    const std::string_view text(pending.data(), pending.size());
    const size_t at = text.find_first_of("\r\n");
    const bool known =
        at != std::string_view::npos && (text[at] == '\n' || at + 1 < text.size() || at_end);
    if (known) {
      const bool pair = text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n';
      consume(at + (pair ? 2 : 1));
      return {};
    }
    // Of a line that is to be skipped only a last \r is kept.
    consume(at == std::string_view::npos ? text.size() : at);
    if (at_end) return {};
    WEIR_TRY(read_pending());
  }
}

Result<void> RecordBlocks::State::read_header() {
  const auto broken_header = [this](const char* reason) {
    return fail(ErrorCode::invalid_input,
                "the header at byte " + std::to_string(offset) + " cannot be read: " + reason,
                "mend the first line, or set header: false");
  };
  while (true) {
    const auto lines_scanner = make_scanner(format);
    RecordScanner::Found found = lines_scanner->scan(pending.data(), pending.size(), at_end);
    while (!found.deliver && found.pass_over == nullptr && !at_end) {
      WEIR_TRY(read_pending());
      found = lines_scanner->scan(pending.data(), pending.size(), at_end);
    }
    if (found.pass_over != nullptr) return broken_header(found.pass_over);
    if (!found.deliver) return {};
    RecordBlock block;
    lines_scanner->take(found.bytes, block.ends_, block.broken_);
    block.buffer_ = std::move(pending);
    block.data_bytes_ = found.bytes;
    block.format_ = &format;
    CsvRecords records(block);
    RecordSlice record;
    const bool there = records.next(record);
    if (records.field_count() > CsvRecords::most_fields) {
      record.broken = "it has too many fields";
    }
    if (there && record.broken == nullptr) {
      std::string scratch;
      for (const CsvField& field : records.fields()) {
        header.emplace_back(records.value(field, scratch));
      }
    }
    const size_t end = records.position_;
    pending = std::move(block.buffer_);
    if (there && record.broken != nullptr) return broken_header(record.broken);
    consume(end);
    if (there) return {};
  }
}

RecordScanner::Found RecordBlocks::State::scan(const BlockBuffer& buffer) {
  if (buffer.size() > most_scanned_at_once) {
    const auto found = scanner->scan(buffer.data(), most_scanned_at_once, false);
    if (found.deliver) return found;
  }
  return scanner->scan(buffer.data(), buffer.size(), at_end);
}

Result<bool> RecordBlocks::State::next(RecordBlock& block) {
  if (!opened) WEIR_TRY(open());
  block.raw_bytes_ = 0;
  block.ends_.clear();
  block.broken_.clear();
  block.data_bytes_ = 0;
  block.buffer_.clear(pending.size() + options.chunk_bytes);
  block.buffer_.append({pending.data(), pending.size()});
  pending.clear(0);
  const When digest = can_digest_later() ? When::later : When::now;
  block.raw_begin_ = block.buffer_.size();
  while (true) {
    const auto found = scan(block.buffer_);
    if (found.deliver || found.pass_over != nullptr || at_end) {
      const size_t undigested = block.buffer_.size() - block.raw_begin_;
      const bool later = digest == When::later && found.deliver;
      if (later && undigested > 0) {
        block.raw_bytes_ = undigested;
        block.raw_digest_block_ = raw.promise(undigested);
      } else if (digest == When::later) {
        raw.digest_in_order({block.buffer_.data() + block.raw_begin_, undigested});
      }
      if (found.deliver) {
        deliver(block, found.bytes);
        return true;
      }
      if (found.pass_over != nullptr) {
        WEIR_TRY(pass_over(block, found.pass_over));
        return true;
      }
      raw.end();
      return false;
    }
    WEIR_TRY(read_chunk(block.buffer_, digest));
  }
}

void RecordBlocks::State::deliver(RecordBlock& block, size_t bytes) {
  const std::string_view all(block.buffer_.data(), block.buffer_.size());
  pending.append(all.substr(bytes));
  block.data_bytes_ = bytes;
  scanner->take(bytes, block.ends_, block.broken_);
  publish(block, bytes, all.substr(0, bytes));
}

// Drops a broken record that is not to be kept, however long it is, but for its beginning.
Result<void> RecordBlocks::State::pass_over(RecordBlock& block, const char* reason) {
  BlockBuffer rest;
  std::swap(rest, block.buffer_);
  block.buffer_.append({rest.data(), std::min(rest.size(), raw_text_limit)});
  const uint64_t first_line = lines.lines();
  uint64_t gone = 0;
  while (true) {
    const auto skipped = scanner->skip(rest.data(), rest.size(), at_end);
    if (options.count_lines) lines.add({rest.data(), skipped.bytes});
    rest.drop_front(skipped.bytes);
    gone += skipped.bytes;
    if (skipped.done) {
      const uint64_t length = gone - skipped.separator;
      block.data_bytes_ = std::min<size_t>(block.buffer_.size(), length);
      block.broken_.push_back({0, length, reason});
      break;
    }
    WEIR_CHECK(!at_end, "a record does not end with its input");
    const size_t had = rest.size();
    WEIR_TRY(read_chunk(rest, When::now));
    if (block.buffer_.size() < raw_text_limit && gone + had == block.buffer_.size()) {
      const std::string_view more(rest.data() + had, rest.size() - had);
      block.buffer_.append(more.substr(0, raw_text_limit - block.buffer_.size()));
    }
  }
  pending = std::move(rest);
  publish(block, gone, {});
  if (options.count_lines) block.first_line_ = first_line + 1;
  return {};
}

void RecordBlocks::State::publish(RecordBlock& block, uint64_t length, std::string_view consumed) {
  block.sequence_ = index.size();
  block.offset_ = offset;
  block.format_ = &format;
  block.first_line_ = options.count_lines ? lines.lines() + 1 : 0;
  if (options.count_lines) lines.add(consumed);
  index.push_back({offset, length, BlockEntry::unknown});
  offset += length;
}

RecordBlocks::RecordBlocks(io::ByteStream& stream, RecordOptions options)
    : state_(std::make_unique<State>(stream, std::move(options))) {}
RecordBlocks::~RecordBlocks() = default;

Result<void> RecordBlocks::open() {
  const std::lock_guard lock(state_->mutex);
  if (state_->error) return fail(*state_->error);
  if (state_->opened) return {};
  Result<void> result = state_->open();
  if (!result) state_->error = result.error();
  return result;
}

Result<bool> RecordBlocks::next(RecordBlock& block) {
  const std::lock_guard lock(state_->mutex);
  if (state_->error) return fail(*state_->error);
  Result<bool> result = state_->next(block);
  if (!result) state_->error = result.error();
  return result;
}

void RecordBlocks::digest(const RecordBlock& block) {
  if (block.raw_bytes_ == 0) return;
  state_->raw.digest_later(block.raw_digest_block_,
                           {block.buffer_.data() + block.raw_begin_, block.raw_bytes_});
}

void RecordBlocks::finish(const RecordBlock& block, uint32_t records) {
  const std::lock_guard lock(state_->mutex);
  state_->index[block.sequence()].records = records;
}

const std::vector<std::string>& RecordBlocks::header() const { return state_->header; }
RecordLayout RecordBlocks::layout() const { return state_->format.layout; }
uint64_t RecordBlocks::bytes_read() const { return state_->raw.bytes_read(); }
Result<ObjectVersion> RecordBlocks::version() const { return state_->raw.version(); }
const BlockIndex& RecordBlocks::index() const { return state_->index; }

}  // namespace weir::text
