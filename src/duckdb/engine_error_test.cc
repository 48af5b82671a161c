#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "duckdb/connection.h"
#include "duckdb/database.h"
#include "duckdb/native.h"
#include "io/temporary_folder_for_test.h"

namespace weir::duckdb {
namespace {

TEST(EngineErrorTest, TheWorldsFaultsAreToldFromTheStatements) {
  const std::pair<const char*, ErrorCode> cases[] = {
      {"IO Error: Could not read from file \"x\": Input/output error", ErrorCode::io},
      {"TransactionContext Error: Failed to commit: Could not write file \"x.wal\": No space left "
       "on "
       "device",
       ErrorCode::io},
      {"TransactionContext Error: Failed to commit: PRIMARY KEY or UNIQUE constraint violation: "
       "duplicate key \"Could not write\"",
       ErrorCode::sql},
      {"TransactionContext Error: Conflict on update!", ErrorCode::busy},
      {"FATAL Error: fsync failed!", ErrorCode::unavailable},
      {"FATAL Error: Failed: database has been invalidated because of a previous fatal error.",
       ErrorCode::unavailable},
      {"TransactionContext Error: Failed to commit: Checkpoint failed for database \"db\". The "
       "database has been invalidated. Original error: No space left on device",
       ErrorCode::unavailable},
      {"INTERRUPT Error: Interrupted!", ErrorCode::cancelled},
      {"INTERNAL Error: Attempted to dereference", ErrorCode::internal},
      {"Binder Error: Referenced column \"a\" not found", ErrorCode::sql},
      {nullptr, ErrorCode::sql}};
  for (const auto& [message, code] : cases) {
    EXPECT_EQ(make_error(message).code, code) << (message == nullptr ? "null" : message);
  }
}

/// In a process of its own, whose files must not grow beyond a few blocks: 0 when the commit that
/// needs more fails for a reason that a retry may mend.
int commit_with_no_room(const std::string& path) {
  ::signal(SIGXFSZ, SIG_IGN);
  const auto database = Database::open({path, "", 64u << 20, 1});
  if (!database) return 2;
  const auto connection = (*database)->connect();
  if (!connection || !(*connection)->run("CREATE TABLE t (a VARCHAR)")) return 3;
  const rlimit limit{16'384, 16'384};
  if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 4;
  const auto inserted =
      (*connection)->run("INSERT INTO t SELECT repeat('x', 100) || i FROM range(2000) r(i)");
  if (inserted) return 5;
  return inserted.error().retryable() ? 0 : 6;
}

TEST(EngineErrorTest, ACommitThatFindsNoRoomMayBeTriedAgain) {
  const io::TemporaryFolder folder;
  const std::string path = folder.path("w.duckdb");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(commit_with_no_room(path));
  int status = 1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace weir::duckdb
