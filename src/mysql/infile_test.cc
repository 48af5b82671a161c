#include "mysql/infile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "mysql/connection.h"

namespace weir::mysql {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TextBuffer chunk(std::string_view text) {
  TextBuffer buffer;
  buffer.append(text);
  return buffer;
}

TEST(Infile, GivesNothingThatNoLoadOffered) {
  Infile infile;
  EXPECT_NE(infile.open("/etc/passwd"), 0);
  EXPECT_NE(infile.open(""), 0);
  EXPECT_NE(infile.open(nullptr), 0);
  char buffer[16];
  EXPECT_EQ(infile.read(buffer, sizeof buffer), -1);
}

TEST(Infile, GivesTheOfferedRowsOnceAndUnderTheirNameOnly) {
  Infile infile;
  ChunkQueue queue(4);
  int accepted = 0;
  const std::string name = infile.offer(queue, [&] { ++accepted; });
  EXPECT_NE(infile.open("/etc/passwd"), 0);
  EXPECT_THAT(infile.message(), Not(HasSubstr("%")));
  EXPECT_EQ(accepted, 0);
  ASSERT_EQ(infile.open(name.c_str()), 0);
  EXPECT_EQ(accepted, 1);
  queue.push(chunk("hello "));
  queue.push(chunk("world"));
  queue.close();
  std::string all;
  char buffer[4];
  for (int got = 0; (got = infile.read(buffer, sizeof buffer)) > 0;) {
    all.append(buffer, static_cast<size_t>(got));
  }
  EXPECT_EQ(all, "hello world");
  EXPECT_NE(infile.open(name.c_str()), 0) << "twice";
  infile.withdraw();
  EXPECT_NE(infile.offer(queue, [] {}), name);
}

TEST(Infile, AStoppedLoadEndsWithAnError) {
  Infile infile;
  ChunkQueue queue(1);
  ASSERT_EQ(infile.open(infile.offer(queue, [] {}).c_str()), 0);
  queue.push(chunk("x"));
  queue.stop();
  char buffer[4];
  EXPECT_EQ(infile.read(buffer, sizeof buffer), -1);
  EXPECT_FALSE(queue.push(chunk("y")));
}

/// A server that lets everybody in, and answers the first statement by asking for a file of the
/// client's. Gives what it got.
class GreedyServer {
 public:
  GreedyServer() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 1);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    result_ = std::async(std::launch::async, [this] { return serve(); });
  }
  ~GreedyServer() { ::close(listener_); }
  uint16_t port() const { return port_; }
  std::string got() { return result_.get(); }

 private:
  void send(uint8_t number, const std::string& payload) const {
    const char head[4] = {static_cast<char>(payload.size()), 0, 0, static_cast<char>(number)};
    const std::string packet = std::string(head, 4) + payload;
    EXPECT_EQ(::send(session_, packet.data(), packet.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(packet.size()));
  }
  std::string bytes(size_t count) const {
    std::string text(count, '\0');
    if (count > 0 &&
        ::recv(session_, text.data(), count, MSG_WAITALL) != static_cast<ssize_t>(count)) {
      ADD_FAILURE() << "the client went away";
    }
    return text;
  }
  std::string packet() const {
    const std::string head = bytes(4);
    return bytes(static_cast<uint8_t>(head[0]) | static_cast<size_t>(static_cast<uint8_t>(head[1]))
                                                     << 8);
  }
  std::string serve() {
    session_ = ::accept(listener_, nullptr, nullptr);
    // Protocol 10, release, connection, 8 bytes of salt, flags with CLIENT_LOCAL_FILES, utf8mb4,
    // autocommit, more flags, length of the salt, filler, 12 bytes of salt, the proof's name.
    send(0, std::string("\x0A"
                        "8.0.36\0",
                        8) +
                std::string("\1\0\0\0", 4) + "saltsalt" + std::string("\0", 1) +
                std::string("\xFF\xF7", 2) + "\x2D" + std::string("\2\0", 2) +
                std::string("\x1F\0", 2) + "\x15" + std::string(10, '\0') + "saltsaltsalt" +
                std::string("\0", 1) + std::string("mysql_native_password\0", 22));
    packet();
    send(2, std::string("\0\0\0\2\0\0\0", 7));
    packet();
    send(1, "\xFB/etc/passwd");
    const std::string got = packet();
    send(3, std::string("\0\0\0\2\0\0\0", 7));
    ::close(session_);
    return got;
  }

  int listener_;
  int session_ = -1;
  uint16_t port_ = 0;
  std::future<std::string> result_;
};

TEST(Infile, AServerThatAsksForAFileGetsNone) {
  GreedyServer server;
  server::Options options;
  options.host = "127.0.0.1";
  options.port = server.port();
  options.user = "weir";
  options.password = "s3cret";
  const auto refused = connect(options);
  EXPECT_EQ(server.got(), "") << "an empty packet says: no such file";
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().to_string(), Not(HasSubstr("s3cret")));
  EXPECT_THAT(refused.error().to_string(), HasSubstr("asked for a file of this machine"));
}

}  // namespace
}  // namespace weir::mysql
