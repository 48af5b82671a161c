#include "text/record_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <random>
#include <thread>

#include "io/faulty_stream.h"
#include "io/memory_stream.h"
#include "text/record_locator.h"
#include "text/records_for_test.h"

namespace weir::text {
namespace {

std::string gzip(std::string_view text) {
  z_stream zlib{};
  deflateInit2(&zlib, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&zlib, text.size()) + 64, '\0');
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  zlib.avail_in = static_cast<uInt>(text.size());
  zlib.next_out = reinterpret_cast<Bytef*>(out.data());
  zlib.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&zlib, Z_FINISH), Z_STREAM_END);
  out.resize(zlib.total_out);
  deflateEnd(&zlib);
  return out;
}

std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1));
  return out;
}

std::string numbered_lines(size_t bytes) {
  std::string text;
  for (uint64_t i = 1; text.size() < bytes; ++i) {
    text +=
        "{\"id\":" + std::to_string(i) + ",\"x\":\"" + std::string(i * 7919 % 90, 'x') + "\"}\n";
  }
  return text;
}

std::string expected_version(std::string_view text) {
  if (text.size() <= digest_block_bytes) return "sha256:" + crypto::to_hex(crypto::sha256(text));
  std::string digests;
  for (size_t at = 0; at < text.size(); at += digest_block_bytes) {
    const auto digest = crypto::sha256(text.substr(at, digest_block_bytes));
    digests.append(digest.begin(), digest.end());
  }
  return "sha256-4m:" + crypto::to_hex(crypto::sha256(digests));
}

SeenInput see(std::string_view text, const RecordOptions& options = {}) {
  auto seen = see_all(text, options);
  EXPECT_TRUE(seen) << seen.error().to_string();
  return seen.value_or(SeenInput{});
}

TEST(ContentVersion, IsWhatSha256sumPrintsUpToFourMebibytes) {
  EXPECT_EQ(see("").version,
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(see("abc").version,
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(ContentVersion, IsTheSameHoweverTheInputIsRead) {
  for (const size_t bytes :
       {size_t{1}, digest_block_bytes - 1, digest_block_bytes, digest_block_bytes + 1,
        2 * digest_block_bytes, 3 * digest_block_bytes + 12'345}) {
    std::string text = numbered_lines(bytes);
    text.resize(bytes);
    const std::string expected = expected_version(text);
    io::MemoryStream stream(text);
    EXPECT_EQ(content_version(stream), ObjectVersion(expected)) << bytes;
    EXPECT_EQ(see(text).version, expected) << bytes;
    for (const size_t chunk : {size_t{65'537}, size_t{1'000'000}}) {
      RecordOptions options;
      options.chunk_bytes = chunk;
      EXPECT_EQ(see(text, options).version, expected) << bytes;
    }
  }
}

TEST(ContentVersion, CoversBytesThatAreNotInAnyRecord) {
  const std::string long_line(20u << 20, 'x');
  const std::string blanks(5u << 20, ' ');
  for (const std::string& text :
       {long_line + "\n1\n" + numbered_lines(6u << 20), blanks + "[" + blanks + "]" + blanks,
        "[1]" + long_line, "[" + long_line + ",1", numbered_lines(9u << 20) + blanks}) {
    EXPECT_EQ(see(text).version, expected_version(text));
  }
}

TEST(ContentVersion, OfCompressedInputIsThatOfTheCompressedBytes) {
  std::string text(9u << 20, '\0');
  std::mt19937_64 random(1);
  for (char& c : text) c = random() % 100 == 0 ? '\n' : static_cast<char>('a' + random() % 26);
  for (const Compression compression : {Compression::gzip, Compression::zstd}) {
    const std::string bytes = compression == Compression::gzip ? gzip(text) : zstd(text);
    ASSERT_GT(bytes.size(), digest_block_bytes);
    RecordOptions options;
    options.compression = compression;
    const SeenInput seen = see(bytes, options);
    EXPECT_EQ(seen.version, expected_version(bytes));
    EXPECT_EQ(seen.records, see(text).records);
  }
}

TEST(ContentVersion, IsRefusedBeforeTheEnd) {
  const std::string text = numbered_lines(9u << 20);
  io::MemoryStream stream(text);
  RecordBlocks blocks(stream, {});
  RecordBlock first;
  RecordBlock second;
  ASSERT_EQ(blocks.next(first), true);
  ASSERT_EQ(blocks.next(second), true);
  EXPECT_EQ(blocks.version().error().code, ErrorCode::internal);
  RecordBlock rest;
  while (*blocks.next(rest)) blocks.digest(rest);
  EXPECT_EQ(blocks.version().error().code, ErrorCode::internal) << "two blocks are not digested";
  blocks.digest(first);
  blocks.digest(second);
  EXPECT_EQ(blocks.version()->value(), expected_version(text));
  EXPECT_EQ(blocks.bytes_read(), text.size());
}

TEST(RecordBlocks, ManyThreadsSeeWhatOneSees) {
  const std::string text = numbered_lines(40u << 20);
  const SeenInput alone = see(text);
  io::MemoryStream memory(text);
  io::FaultyStream stream(memory, {.seed = 3, .short_reads = true});
  RecordBlocks blocks(stream, {});
  std::mutex mutex;
  std::vector<std::pair<uint64_t, std::string>> together;
  const auto work = [&] {
    RecordBlock block;
    std::vector<std::pair<uint64_t, std::string>> mine;
    while (*blocks.next(block)) {
      JsonRecords records(block);
      for (RecordSlice record; records.next(record);) {
        mine.emplace_back(pack_row(block.sequence(), record.index), record.text);
      }
      blocks.digest(block);
      blocks.finish(block, records.count());
    }
    const std::lock_guard lock(mutex);
    together.insert(together.end(), mine.begin(), mine.end());
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  std::sort(together.begin(), together.end());
  ASSERT_EQ(together.size(), alone.records.size());
  for (size_t i = 0; i < together.size(); ++i) {
    ASSERT_EQ(together[i].first, alone.rows[i]);
    ASSERT_EQ(together[i].second, alone.records[i].text);
  }
  EXPECT_EQ(blocks.version()->value(), alone.version);
}

TEST(RecordBlocks, CompressedInputInTinyChunksGivesTheSame) {
  const std::string text = "a,b\n1,\"x\ny\"\n2,\n\n3,z";
  RecordOptions options;
  options.format = Format::csv;
  const SeenInput plain = see(text, options);
  ASSERT_EQ(plain.records.size(), 3u);
  for (const Compression compression : {Compression::gzip, Compression::zstd}) {
    options.compression = compression;
    const std::string bytes = compression == Compression::gzip
                                  ? gzip(text.substr(0, 7)) + gzip(text.substr(7))
                                  : zstd(text.substr(0, 7)) + zstd(text.substr(7));
    for (size_t chunk = 1; chunk < 30; ++chunk) {
      options.chunk_bytes = chunk;
      const SeenInput seen = see(bytes, options);
      EXPECT_EQ(seen.records, plain.records);
      EXPECT_EQ(seen.header, plain.header);
    }
  }
}

TEST(RecordBlocks, ErrorsOfTheStreamStay) {
  const std::string text = numbered_lines(10u << 20);
  for (const uint64_t fail_at : {uint64_t{0}, uint64_t{3}, uint64_t{9u << 20}}) {
    io::MemoryStream memory(text);
    io::FaultyStream stream(memory, {.fail_at = fail_at});
    RecordBlocks blocks(stream, {});
    RecordBlock block;
    Result<bool> more = true;
    while (more && *more) more = blocks.next(block);
    ASSERT_FALSE(more) << fail_at;
    EXPECT_EQ(more.error().code, ErrorCode::io);
    EXPECT_EQ(blocks.next(block).error().code, ErrorCode::io);
    EXPECT_EQ(blocks.open().error().code, ErrorCode::io);
  }
}

TEST(RecordBlocks, DamagedCompressionIsAnError) {
  const std::string bytes = gzip(numbered_lines(1u << 20));
  RecordOptions options;
  options.compression = Compression::gzip;
  const auto seen = see_all(std::string_view(bytes).substr(0, bytes.size() / 2), options);
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, ErrorCode::invalid_input);
  EXPECT_NE(seen.error().message.find("byte " + std::to_string(bytes.size() / 2)),
            std::string::npos);
}

// Counts how much is asked of the stream at once: a proxy for how much memory is set aside.
class AskedStream final : public io::ByteStream {
 public:
  explicit AskedStream(std::string_view bytes) : inner_(bytes) {}
  Result<size_t> read(char* buffer, size_t capacity) override {
    most_asked_ = std::max(most_asked_, capacity);
    return inner_.read(buffer, capacity);
  }
  uint64_t size_bytes() const override { return inner_.size_bytes(); }
  size_t most_asked() const { return most_asked_; }

 private:
  io::MemoryStream inner_;
  size_t most_asked_ = 0;
};

TEST(RecordBlocks, ASmallFileTakesASmallBuffer) {
  const std::string text = numbered_lines(2'000);
  AskedStream stream(text);
  ASSERT_TRUE(see_all(stream, {}));
  EXPECT_LE(stream.most_asked(), text.size() + 1);
}

TEST(RecordBlocks, AFileThatGrowsIsReadToItsEnd) {
  class Growing final : public io::ByteStream {
   public:
    explicit Growing(std::string_view bytes) : inner_(bytes) {}
    Result<size_t> read(char* buffer, size_t capacity) override {
      return inner_.read(buffer, capacity);
    }
    uint64_t size_bytes() const override { return 10; }

   private:
    io::MemoryStream inner_;
  };
  const std::string text = numbered_lines(9u << 20);
  Growing stream(text);
  const auto seen = see_all(stream, {});
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->version, expected_version(text));
  EXPECT_EQ(seen->records.size(), see(text).records.size());
}

TEST(RecordBlocks, PaddingBehindEveryRecordIsReadable) {
  for (const std::string_view text : {"1", "1\n2", "[1,2]", "{\n}1"}) {
    io::MemoryStream stream(text);
    RecordBlocks blocks(stream, {});
    RecordBlock block;
    unsigned sum = 0;
    while (*blocks.next(block)) {
      JsonRecords records(block);
      for (RecordSlice record; records.next(record);) {
        // Under a sanitizer this is the test.
        for (int i = 0; i < 64; ++i) {
          sum += static_cast<unsigned char>(
              record.text.data()[record.text.size() + static_cast<size_t>(i)]);
        }
      }
    }
    EXPECT_GE(sum, 0u);
  }
}

TEST(ResolveCompression, GoesByTheEndingUnlessTold) {
  EXPECT_EQ(resolve_compression(Compression::automatic, "a/x.json.gz"), Compression::gzip);
  EXPECT_EQ(resolve_compression(Compression::automatic, "x.zst"), Compression::zstd);
  EXPECT_EQ(resolve_compression(Compression::automatic, "x.json"), Compression::none);
  EXPECT_EQ(resolve_compression(Compression::none, "x.gz"), Compression::none);
  EXPECT_EQ(resolve_compression(Compression::zstd, "x.gz"), Compression::zstd);
}

uint64_t line_of(std::string_view text, uint64_t offset) {
  uint64_t line = 1;
  for (uint64_t i = 0; i < offset; ++i) {
    if (text[i] == '\n' || (text[i] == '\r' && text.substr(i, 2) != "\r\n")) ++line;
  }
  return line;
}

void expect_located(std::string_view text, const RecordOptions& options, SeenInput seen,
                    uint64_t every, std::string_view bytes) {
  std::vector<uint64_t> rows;
  std::vector<size_t> ordinals;
  for (size_t i = 0; i < seen.rows.size(); i += every) {
    rows.push_back(seen.rows[i]);
    ordinals.push_back(i);
  }
  io::MemoryStream fresh(bytes);
  size_t next = 0;
  const auto result =
      locate_records(fresh, options, seen.index, rows, [&](const LocatedRecord& located) {
        ASSERT_LT(next, rows.size());
        const SeenRecord& record = seen.records[ordinals[next]];
        EXPECT_EQ(located.row, rows[next]);
        EXPECT_EQ(located.element, ordinals[next] + 1);
        EXPECT_EQ(located.line, line_of(text, record.offset)) << record.offset;
        EXPECT_EQ(located.byte_begin, record.offset);
        EXPECT_EQ(located.byte_end, record.offset + record.length);
        EXPECT_EQ(located.raw, record.text.substr(0, raw_text_limit));
        EXPECT_EQ(located.broken == nullptr ? "" : std::string(located.broken), record.broken);
        ++next;
      });
  EXPECT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(next, rows.size());
}

TEST(LocateRecords, FindsEveryRecordAgain) {
  const std::pair<Format, std::string> cases[] = {
      {Format::json, "\xef\xbb\xbf{\"a\":1}\n\n  {\"a\":2}\r\n" + std::string(300, 'x') + "\n7"},
      {Format::json, "\n[{\"a\":\n1},\n\n2 , " + std::string(200, '1') + ",\n\"x\",4\n"},
      {Format::json, "{\n\"a\":1}\n\n{\"b\":\r2}3\n" + std::string(200, '1') + "\n{"},
      {Format::csv, "a,b\r\n1,\"x\ny\"\r\n\r\n2,3\r4,\"" + std::string(200, '\n') + "\n5,6\n\"z"}};
  for (const auto& [format, text] : cases) {
    for (const size_t chunk : {1u, 3u, 10u, 64u, 4'096u}) {
      for (const bool known : {false, true}) {
        RecordOptions options;
        options.format = format;
        options.chunk_bytes = chunk;
        options.max_record_bytes = 150;
        SeenInput seen = see(text, options);
        ASSERT_GT(seen.records.size(), 3u);
        if (!known) {
          for (BlockEntry& entry : seen.index) entry.records = BlockEntry::unknown;
        }
        for (const uint64_t every : {1u, 2u, 3u}) expect_located(text, options, seen, every, text);
      }
    }
  }
}

TEST(LocateRecords, WorksOnCompressedAndLargeInput) {
  const std::string text = numbered_lines(12u << 20);
  RecordOptions options;
  expect_located(text, options, see(text, options), 40'007, text);
  options.compression = Compression::zstd;
  const std::string bytes = zstd(text);
  expect_located(text, options, see(bytes, options), 40'007, bytes);
}

TEST(LocateRecords, SaysThatTheInputChanged) {
  const std::string text = numbered_lines(100'000);
  RecordOptions options;
  options.chunk_bytes = 1'000;
  const SeenInput seen = see(text, options);
  const std::vector<uint64_t> rows = {seen.rows.back()};
  const auto locate = [&](std::string_view now) {
    io::MemoryStream fresh(now);
    return locate_records(fresh, options, seen.index, rows, [](const LocatedRecord&) {});
  };
  EXPECT_TRUE(locate(text));
  EXPECT_EQ(locate("x" + text).error().code, ErrorCode::input_changed);
  EXPECT_EQ(locate(text.substr(0, 50'000)).error().code, ErrorCode::input_changed);
  EXPECT_EQ(locate("").error().code, ErrorCode::input_changed);
}

TEST(LocateRecords, OfNothingReadsNothing) {
  io::MemoryStream memory("x");
  io::FaultyStream stream(memory, {.fail_at = 0});
  EXPECT_TRUE(locate_records(stream, {}, {}, {}, [](const LocatedRecord&) { FAIL(); }));
}

TEST(FindRecord, FindsARecordByItsNumber) {
  const std::string csv = "a,b\n1,x\n\"2\n2\",y\r\n3,z\n";
  RecordOptions options;
  options.format = Format::csv;
  for (const size_t chunk : {4u, 1u << 20}) {
    options.chunk_bytes = chunk;
    const auto find = [&](uint64_t element) {
      io::MemoryStream stream(csv);
      return find_record(stream, options, element);
    };
    EXPECT_EQ(find(1)->line, 2u);
    EXPECT_EQ(find(2)->raw, "\"2\n2\",y");
    EXPECT_EQ(find(3)->line, 5u);
    EXPECT_EQ(csv.substr(find(3)->byte_begin, find(3)->byte_end - find(3)->byte_begin), "3,z");
    EXPECT_EQ(find(4).error().code, ErrorCode::not_found);
  }
}

TEST(FindRecord, AcrossBlocks) {
  const std::string text = numbered_lines(300'000);
  RecordOptions options;
  options.chunk_bytes = 1'000;
  io::MemoryStream stream(text);
  const auto found = find_record(stream, options, 1'234);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->line, 1'234u);
  EXPECT_EQ(text.substr(found->byte_begin, found->byte_end - found->byte_begin), found->raw);
}

}  // namespace
}  // namespace weir::text
