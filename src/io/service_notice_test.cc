#include "io/service_notice.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "io/descriptor.h"
#include "io/temporary_folder_for_test.h"

namespace weir::io {
namespace {

class ServiceNoticeTest : public ::testing::Test {
 protected:
  ~ServiceNoticeTest() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }
  /// A service manager that listens at `path`; '@' begins an abstract name.
  Descriptor listen_at(const std::string& path) {
    Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    return socket;
  }
  static std::string received(const Descriptor& socket) {
    char buffer[200];
    const ssize_t got = ::recv(socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    return got < 0 ? "" : std::string(buffer, static_cast<size_t>(got));
  }
};

TEST_F(ServiceNoticeTest, IsHeardAtAPathAndAtAnAbstractName) {
  const TemporaryFolder folder;
  for (const std::string& path :
       {folder.path("notify"), "@weir-test-" + std::to_string(::getpid())}) {
    const Descriptor manager = listen_at(path);
    EXPECT_TRUE(tell_service_manager("READY=1\nSTATUS=up"));
    EXPECT_EQ(received(manager), "READY=1\nSTATUS=up");
  }
}

TEST_F(ServiceNoticeTest, NobodyListeningIsNoFailureADeadManagerIs) {
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_TRUE(tell_service_manager("READY=1"));
  for (const char* path : {"/nonexistent/notify", "relative"}) {
    ::setenv("NOTIFY_SOCKET", path, 1);
    EXPECT_FALSE(tell_service_manager("READY=1")) << path;
  }
}

TEST_F(ServiceNoticeTest, TheWatchdogIsMeantForThisProcessAlone) {
  EXPECT_EQ(watchdog_limit(), std::nullopt);
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(watchdog_limit(), std::chrono::seconds(30));
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(watchdog_limit(), std::chrono::seconds(30));
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(watchdog_limit(), std::nullopt);
  ::unsetenv("WATCHDOG_PID");
  for (const char* wrong : {"", "0", "-5", "soon", "5s"}) {
    ::setenv("WATCHDOG_USEC", wrong, 1);
    EXPECT_EQ(watchdog_limit(), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace weir::io
