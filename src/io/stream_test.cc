#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>

#include "io/faulty_stream.h"
#include "io/file_stream.h"
#include "io/gzip_stream.h"
#include "io/memory_stream.h"
#include "io/temporary_folder_for_test.h"
#include "io/zstd_stream.h"

namespace weir::io {
namespace {

Result<std::string> drain(ByteStream& stream, size_t piece = 1000) {
  std::string all;
  std::string buffer(piece, '\0');
  while (true) {
    const size_t got = WEIR_TRY(stream.read(buffer.data(), buffer.size()));
    if (got == 0) return all;
    all.append(buffer, 0, got);
  }
}

std::string gzip(const std::string& text) {
  z_stream zlib{};
  deflateInit2(&zlib, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
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

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  out.resize(ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return out;
}

std::string varied_text(size_t bytes) {
  std::string text;
  for (uint32_t i = 1; text.size() < bytes; i = i * 1664525u + 1013904223u) {
    text += std::to_string(i) + (i % 7 == 0 ? "\n" : "aaaaaaaaaaaaaaaaaaaa");
  }
  text.resize(bytes);
  return text;
}

Result<std::string> gunzip(const std::string& bytes, size_t piece = 1000,
                           bool short_reads = false) {
  MemoryStream memory(bytes);
  FaultyStream pieces(memory, {.seed = 7, .short_reads = short_reads});
  GzipStream stream(pieces);
  return drain(stream, piece);
}

Result<std::string> unzstd(const std::string& bytes, size_t piece = 1000,
                           bool short_reads = false) {
  MemoryStream memory(bytes);
  FaultyStream pieces(memory, {.seed = 7, .short_reads = short_reads});
  ZstdStream stream(pieces);
  return drain(stream, piece);
}

TEST(FileStream, ReadsAFileToItsEndInAnyPieces) {
  TemporaryFolder folder;
  const std::string text = varied_text(300'000);
  std::ofstream(folder.path("x")) << text;
  for (size_t piece : {1'000u, 4'096u, 1'000'000u}) {
    auto stream = FileStream::open(folder.path("x"));
    ASSERT_TRUE(stream) << stream.error().to_string();
    EXPECT_EQ((*stream)->size_bytes(), text.size());
    EXPECT_EQ(drain(**stream, piece), text);
  }
}

TEST(FileStream, NoticesThatTheFileGrewAndReadsWhatCame) {
  TemporaryFolder folder;
  std::ofstream(folder.path("x")) << "one";
  auto stream = FileStream::open(folder.path("x"));
  ASSERT_TRUE(stream);
  EXPECT_EQ((*stream)->current_state(), (*stream)->opened_state());
  std::ofstream(folder.path("x"), std::ios::app) << "two";
  EXPECT_EQ(drain(**stream), "onetwo");
  EXPECT_EQ((*stream)->size_bytes(), 3u);
  EXPECT_NE((*stream)->current_state(), (*stream)->opened_state());
}

TEST(FileStream, RefusesWhatIsNoFileWithoutWaiting) {
  TemporaryFolder folder;
  EXPECT_EQ(FileStream::open(folder.path("none")).error().code, ErrorCode::not_found);
  EXPECT_EQ(FileStream::open(folder.path("none/below")).error().code, ErrorCode::not_found);
  std::filesystem::create_directory(folder.path("x.json"));
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  folder.path("sock").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  std::filesystem::create_symlink("loop", folder.path("loop"));

  for (const char* name : {"x.json", "pipe", "sock"}) {
    const auto stream = FileStream::open(folder.path(name));
    ASSERT_FALSE(stream) << name;
    EXPECT_EQ(stream.error().code, ErrorCode::invalid_input) << stream.error().to_string();
  }
  EXPECT_EQ(FileStream::open("/dev/null").error().code, ErrorCode::invalid_input);
  EXPECT_EQ(FileStream::open(folder.path("loop")).error().code, ErrorCode::io);
  ::close(socket);
}

TEST(FaultyStream, FailsAtItsByteAndStaysBroken) {
  MemoryStream memory("0123456789");
  FaultyStream stream(memory, {.fail_at = 4});
  char buffer[10];
  EXPECT_EQ(stream.read(buffer, 10), 4u);
  EXPECT_EQ(stream.read(buffer, 10).error().code, ErrorCode::io);
  EXPECT_EQ(stream.read(buffer, 1).error().code, ErrorCode::io);
}

TEST(FaultyStream, IsReplayableAndCutsWhereItIsTold) {
  const std::string text = varied_text(10'000);
  for (uint64_t seed = 0; seed < 5; ++seed) {
    std::vector<size_t> sizes[2];
    for (auto& seen : sizes) {
      MemoryStream memory(text);
      FaultyStream stream(memory, {.seed = seed, .end_at = 5'000, .short_reads = true});
      std::string all(6'000, '\0');
      size_t done = 0;
      while (true) {
        const auto got = stream.read(all.data() + done, 1'000);
        ASSERT_TRUE(got);
        if (*got == 0) break;
        seen.push_back(*got);
        done += *got;
      }
      EXPECT_EQ(all.substr(0, done), text.substr(0, 5'000));
    }
    EXPECT_EQ(sizes[0], sizes[1]);
    EXPECT_GT(sizes[0].size(), 5u);
  }
}

TEST(GzipStream, GivesBackWhatWasCompressed) {
  for (size_t bytes : {0u, 1u, 100u, 65'536u, 3'000'000u}) {
    const std::string text = varied_text(bytes);
    for (size_t piece : {1'000u, 100'000u, 5'000'000u}) EXPECT_EQ(gunzip(gzip(text), piece), text);
    EXPECT_EQ(gunzip(gzip(text), 777, true), text);
  }
  EXPECT_EQ(gunzip(gzip(varied_text(3'000)), 1), varied_text(3'000));
}

TEST(GzipStream, ReadsSeveralMembersAsOne) {
  EXPECT_EQ(gunzip(gzip("one,") + gzip("") + gzip("two")), "one,two");
}

TEST(GzipStream, RefusesGarbageBehindTheLastMemberAndNamesTheByte) {
  const std::string good = gzip("text");
  for (const std::string& tail : {std::string("x"), std::string("\0\0\0", 3), std::string("\x1f"),
                                  std::string("\x1f\x8bno")}) {
    const auto text = gunzip(good + tail);
    ASSERT_FALSE(text) << tail.size();
    EXPECT_EQ(text.error().code, ErrorCode::invalid_input);
  }
  EXPECT_NE(gunzip(good + "x").error().message.find("byte " + std::to_string(good.size())),
            std::string::npos)
      << gunzip(good + "x").error().message;
}

TEST(GzipStream, RefusesEveryCutAndDoesNotHang) {
  const std::string good = gzip(varied_text(2'000));
  for (size_t cut = 0; cut < good.size(); ++cut) {
    const auto text = gunzip(good.substr(0, cut));
    ASSERT_FALSE(text) << cut;
    EXPECT_EQ(text.error().code, ErrorCode::invalid_input);
  }
}

TEST(GzipStream, RefusesAWrongChecksumAndAPlainFile) {
  std::string bad = gzip("text");
  bad[bad.size() - 6] ^= 1;
  EXPECT_EQ(gunzip(bad).error().code, ErrorCode::invalid_input);
  EXPECT_EQ(gunzip("{\"a\": 1}\n").error().code, ErrorCode::invalid_input);
}

TEST(ZstdStream, GivesBackWhatWasCompressed) {
  for (size_t bytes : {0u, 1u, 100u, 65'536u, 3'000'000u}) {
    const std::string text = varied_text(bytes);
    for (size_t piece : {1'000u, 100'000u, 5'000'000u}) EXPECT_EQ(unzstd(zstd(text), piece), text);
    EXPECT_EQ(unzstd(zstd(text), 777, true), text);
  }
  EXPECT_EQ(unzstd(zstd(varied_text(3'000)), 1), varied_text(3'000));
}

TEST(ZstdStream, ReadsSeveralFramesAndSkipsSkippableOnes) {
  const std::string skippable(
      "\x50\x2a\x4d\x18\x03\x00\x00\x00"
      "abc",
      11);
  EXPECT_EQ(unzstd(zstd("one,") + skippable + zstd("") + zstd("two")), "one,two");
}

TEST(ZstdStream, RefusesEveryCutGarbageAndWrongChecksums) {
  const std::string good = zstd(varied_text(2'000));
  for (size_t cut = 0; cut < good.size(); ++cut) {
    ASSERT_FALSE(unzstd(good.substr(0, cut))) << cut;
  }
  EXPECT_EQ(unzstd(good + "garbage").error().code, ErrorCode::invalid_input);
  std::string bad = good;
  bad.back() ^= 1;
  EXPECT_EQ(unzstd(bad).error().code, ErrorCode::invalid_input);
  EXPECT_NE(unzstd("{\"a\": 1}\n").error().message.find("at byte 0"), std::string::npos);
}

TEST(ZstdStream, RefusesAWindowThatWouldTakeTooMuchMemory) {
  // A frame header that asks for a window of 2 GiB (window descriptor 0xa8: exponent 21 + 10).
  const std::string frame("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00", 9);
  EXPECT_EQ(unzstd(frame).error().code, ErrorCode::invalid_input);
}

TEST(Decompression, PassesOnTheErrorsOfItsInput) {
  for (const bool use_zstd : {false, true}) {
    const std::string bytes = use_zstd ? zstd(varied_text(500'000)) : gzip(varied_text(500'000));
    MemoryStream memory(bytes);
    FaultyStream faulty(memory, {.fail_at = bytes.size() / 2});
    std::unique_ptr<ByteStream> stream;
    if (use_zstd) {
      stream = std::make_unique<ZstdStream>(faulty);
    } else {
      stream = std::make_unique<GzipStream>(faulty);
    }
    EXPECT_EQ(drain(*stream).error().code, ErrorCode::io);
  }
}

}  // namespace
}  // namespace weir::io
