#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sys/stat.h>

#include <thread>

#include "postgres/column_for_test.h"
#include "postgres/test_server_for_test.h"

// Coming in, not coming in, and servers that go away. Tests that hurt a server have their own.

namespace weir::postgres {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Error refused(const server::Options& options) {
  const auto connection = connect(options);
  EXPECT_FALSE(connection);
  return connection ? Error{} : connection.error();
}

TEST(Connect, ByPasswordAndNotByAnother) {
  auto options = TestServer::shared().by_tcp();
  EXPECT_TRUE(connect(options));
  options.password = "donkey-capacitor-clip";
  const Error wrong = refused(options);
  EXPECT_EQ(wrong.code, ErrorCode::sql);
  EXPECT_THAT(wrong.to_string(),
              AllOf(HasSubstr("password authentication failed for user \"owner\""),
                    Not(HasSubstr("donkey")), Not(HasSubstr("LOCATION")), Not(HasSubstr("28P01"))));
  options.password = "";
  EXPECT_EQ(refused(options).code, ErrorCode::sql);
}

TEST(Connect, SaysWhatDoesNotFit) {
  auto options = TestServer::shared().by_tcp();
  options.database = "nothing";
  const Error database = refused(options);
  EXPECT_EQ(database.code, ErrorCode::sql);
  EXPECT_THAT(database.message, HasSubstr("database \"nothing\" does not exist"));

  for (const auto tls : {server::Options::Tls::require, server::Options::Tls::verify_full}) {
    options = TestServer::shared().by_tcp();
    options.tls = tls;
    const Error plain = refused(options);
    EXPECT_EQ(plain.code, ErrorCode::sql);
    EXPECT_THAT(plain.message, HasSubstr("server does not support SSL"));
    EXPECT_THAT(plain.fix, HasSubstr("switch TLS on"));
  }

  const auto session = TestServer::shared().connect();
  ASSERT_TRUE(session->run("CREATE ROLE lonely LOGIN CONNECTION LIMIT 0"));
  options = TestServer::shared().by_socket();
  options.user = "lonely";
  EXPECT_EQ(refused(options).code, ErrorCode::busy);
}

TEST(Connect, NobodyThereIsUnavailable) {
  auto options = TestServer::shared().by_tcp();
  options.host = TestServer::shared().folder() + "/no-such-folder";
  EXPECT_EQ(refused(options).code, ErrorCode::unavailable);
}

/// A listener on a free port of 127.0.0.1.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_, generic, size) != 0 || ::listen(socket_, 4) != 0 ||
        ::getsockname(socket_, generic, &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { ::close(socket_); }
  int accept() const { return ::accept(socket_, nullptr, nullptr); }
  server::Options options() const {
    server::Options options = TestServer::shared().by_tcp();
    options.port = port_;
    options.tls = server::Options::Tls::disable;
    return options;
  }

 private:
  int socket_;
  uint16_t port_ = 0;
};

TEST(Connect, AServerThatSaysNothingIsGivenUpInTime) {
  const Listener listener;
  auto options = listener.options();
  options.connect_timeout = std::chrono::milliseconds(50);
  const Error silent = refused(options);
  EXPECT_EQ(silent.code, ErrorCode::unavailable);
  EXPECT_THAT(silent.message, HasSubstr("did not answer within 50 ms"));
}

TEST(Connect, AnOldServerIsRefused) {
  const Listener listener;
  std::thread server([&] {
    const int peer = listener.accept();
    char startup[4096];
    // The startup message, whole since it was sent at once; then: come in, version 11, ready.
    EXPECT_GT(::read(peer, startup, sizeof startup), 0);
    constexpr std::string_view answer(
        "R\0\0\0\x08\0\0\0\0"
        "S\0\0\0\x19server_version\0"
        "11.22\0"
        "Z\0\0\0\x05I",
        9 + 26 + 6);
    EXPECT_EQ(::write(peer, answer.data(), answer.size()), static_cast<ssize_t>(answer.size()));
    while (::read(peer, startup, sizeof startup) > 0) {
    }
    ::close(peer);
  });
  const Error old = refused(listener.options());
  server.join();
  EXPECT_EQ(old.code, ErrorCode::sql);
  EXPECT_EQ(old.message, "the server is PostgreSQL 11.22; weir works with 12 and later");
}

/// Runs openssl, quietly.
void openssl(const std::string& arguments) {
  const std::string command = "openssl " + arguments + " >/dev/null 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

TEST(Connect, ByTlsToWhomTheAuthorityVouchesFor) {
  TestServer server;
  const std::string folder = server.folder();
  for (const char* name : {"server", "other"}) {
    openssl(
        fmt::format("req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -keyout "
                    "{0}/{1}.key -out {0}/{1}.pem",
                    folder, name));
  }
  const std::filesystem::path key = folder + "/server.key";
  struct stat owner {};
  ASSERT_EQ(::stat((folder + "/data").c_str(), &owner), 0);
  ASSERT_EQ(::chown(key.c_str(), owner.st_uid, owner.st_gid), 0);
  ASSERT_EQ(::chmod(key.c_str(), 0600), 0);
  const auto admin = server.connect();
  for (const std::string& setting :
       {"ssl_cert_file = '" + folder + "/server.pem'", "ssl_key_file = '" + key.string() + "'",
        std::string("ssl = on")}) {
    ASSERT_TRUE(admin->run("ALTER SYSTEM SET " + setting));
  }
  server.stop_at_once();
  server.start();

  using Tls = server::Options::Tls;
  const auto encrypted = [](const server::Options& options) -> std::string {
    const auto session = connect(options);
    if (!session) return session.error().to_string();
    return (*session)->run("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")->text(0, 0);
  };
  auto options = server.by_tcp();
  EXPECT_EQ(encrypted(options), "t");
  options.tls = Tls::disable;
  EXPECT_EQ(encrypted(options), "f");
  options.tls = Tls::require;
  EXPECT_EQ(encrypted(options), "t");
  options.ca_file = folder + "/server.pem";
  options.tls = Tls::verify_ca;
  EXPECT_EQ(encrypted(options), "t");
  options.tls = Tls::verify_full;
  EXPECT_THAT(encrypted(options), HasSubstr("does not match host name \"127.0.0.1\""));
  EXPECT_EQ(refused(options).code, ErrorCode::sql);
  options.ca_file = folder + "/other.pem";
  EXPECT_THAT(encrypted(options), HasSubstr("certificate verify failed"));
  EXPECT_EQ(refused(options).code, ErrorCode::sql);
  options.ca_file = "";  // the system's
  options.tls = Tls::verify_ca;
  EXPECT_THAT(encrypted(options), HasSubstr("certificate verify failed"));
}

TEST(Connect, AServerThatDiesUnderACopyIsUnavailableAndComesBack) {
  TestServer server;
  const auto session = server.connect();
  ASSERT_TRUE(session->run("CREATE TABLE t (id bigint, name text)"));
  ASSERT_TRUE(session->begin());
  auto load =
      session->bulk_load({"", "t", {{"id", type_of("bigint")}, {"name", type_of("varchar")}}});
  ASSERT_TRUE(load);
  BuiltColumn ids("bigint");
  BuiltColumn names("varchar");
  for (int64_t i = 0; i < 2048; ++i) {
    ids.add(i);
    names.add_text(std::string(1'000, 'n'));
  }
  const server::ColumnView columns[] = {ids.view(), names.view()};
  for (int i = 0; i < 10; ++i) ASSERT_TRUE((*load)->append({ids.rows(), columns}));
  const auto idle = server.connect();
  server.stop_at_once();
  EXPECT_EQ(idle->run("SELECT 1").error().code, ErrorCode::unavailable) << "it could not be sent";
  EXPECT_FALSE(idle->works());
  Result<void> appended;
  // Far more than sockets and buffers hold.
  for (int i = 0; appended && i < 100; ++i) appended = (*load)->append({ids.rows(), columns});
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().code, ErrorCode::unavailable) << appended.error().to_string();
  EXPECT_FALSE(session->works());
  EXPECT_EQ(session->refusal().state, "");
  load->reset();
  session->rollback();
  EXPECT_EQ(session->begin().error().code, ErrorCode::unavailable);
  EXPECT_EQ(refused(server.by_socket()).code, ErrorCode::unavailable);
  EXPECT_EQ(refused(server.by_tcp()).code, ErrorCode::unavailable);
  server.start();
  const auto rows = server.connect()->run("SELECT count(*) FROM t");
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->int64(0, 0), 0);
}

}  // namespace
}  // namespace weir::postgres
