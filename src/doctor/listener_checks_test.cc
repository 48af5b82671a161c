#include "doctor/listener_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "io/atomic_file.h"
#include "io/descriptor.h"
#include "io/temporary_folder_for_test.h"
#include "owner/lock_file.h"

namespace weir::doctor {
namespace {

using testing::HasSubstr;

class ListenerChecks : public testing::Test {
 protected:
  ListenerChecks() {
    project_.name = "p";
    project_.root = folder_.path();
  }
  /// Somebody listens at a port of its own; the project names that port.
  void take_port() {
    taken_ = io::Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(taken_.get(), any, size), 0);
    ASSERT_EQ(::listen(taken_.get(), 1), 0);
    ASSERT_EQ(::getsockname(taken_.get(), any, &size), 0);
    project_.admin = ListenAddress{"127.0.0.1", ntohs(address.sin_port)};
  }
  Finding finding() {
    const Findings findings = check_admin_address(project_);
    EXPECT_EQ(findings.size(), 1u);
    return findings.empty() ? Finding{} : findings[0];
  }

  io::TemporaryFolder folder_;
  io::Descriptor taken_;
  Project project_;
};

TEST_F(ListenerChecks, NothingIsSaidWhereNothingIsAsked) {
  EXPECT_TRUE(check_admin_address(project_).empty());
}

TEST_F(ListenerChecks, TakenByAnotherAndFreeAgain) {
  take_port();
  EXPECT_EQ(finding().verdict, Verdict::warning);
  EXPECT_THAT(finding().found, HasSubstr("cannot listen at " + project_.admin->to_string()));
  EXPECT_THAT(finding().fix, HasSubstr(std::to_string(project_.admin->port)));
  taken_ = io::Descriptor();
  EXPECT_EQ(finding().verdict, Verdict::ok);
}

TEST_F(ListenerChecks, TheWeirThatRunsMayHaveIt) {
  take_port();
  const auto directory = owner::StateDirectory::open(project_.state_dir()).value();
  ASSERT_TRUE(io::write_file_atomically((project_.state_dir() / "admin").string(),
                                        "http://" + project_.admin->to_string() + "\n"));
  EXPECT_EQ(finding().verdict, Verdict::warning) << "it was killed, and somebody else came";
  auto lock = owner::LockFile::open(directory).value();
  ASSERT_TRUE(lock.try_lock().value());
  EXPECT_EQ(finding().verdict, Verdict::ok);
}

TEST_F(ListenerChecks, AnAddressThatThisMachineDoesNotHave) {
  project_.admin = ListenAddress{"192.0.2.1", 9464};  // kept for documentation: nobody's
  EXPECT_EQ(finding().verdict, Verdict::warning);
  EXPECT_THAT(finding().fix, HasSubstr("admin: listen:"));
}

}  // namespace
}  // namespace weir::doctor
