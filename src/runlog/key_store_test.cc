#include "runlog/key_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "io/temporary_folder_for_test.h"

namespace weir::runlog {
namespace {

const Timestamp noon{std::chrono::seconds(1'000'000)};

class KeyStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<KeyStore> open() { return std::move(KeyStore::open(path_).value()); }

  io::TemporaryFolder folder_;
  const std::string path_ = folder_.path("state/keys.sqlite");
};

TEST_F(KeyStoreTest, AKeyIsFoundByItsSecretAlsoAfterARestart) {
  KeyScopes scopes;
  scopes.tables = {"hits", "totals"};
  scopes.queries = false;
  const NewKey made = open()->create("importer", scopes, "slow", noon).value();
  EXPECT_THAT(made.secret, ::testing::MatchesRegex("weir_[0-9a-f]{12}_[0-9a-f]{48}"));
  const auto store = open();
  const auto found = store->find(made.secret);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, made.key.id);
  EXPECT_EQ(found->name, "importer");
  EXPECT_EQ(found->scopes, scopes);
  EXPECT_EQ(found->plan, "slow");
  EXPECT_EQ(found->created, noon);
  EXPECT_FALSE(store->find(made.secret + "0"));
  EXPECT_FALSE(store->find(""));
}

TEST_F(KeyStoreTest, ARevokedKeyIsNoneAnyMore) {
  const auto store = open();
  const NewKey one = store->create("a", {}, "", noon).value();
  const NewKey two = store->create("a", {}, "", noon).value();
  EXPECT_EQ(store->revoke("a", noon).error().code, ErrorCode::usage) << "which of the two?";
  EXPECT_TRUE(store->revoke(one.key.id, noon));
  EXPECT_FALSE(store->find(one.secret));
  EXPECT_TRUE(store->find(two.secret));
  EXPECT_TRUE(store->revoke("a", noon)) << "one of them is left";
  EXPECT_EQ(store->revoke("a", noon).error().code, ErrorCode::not_found);
  EXPECT_EQ(open()->list().size(), 2u);
  EXPECT_TRUE(open()->list()[0].revoked);
}

TEST_F(KeyStoreTest, TheFileHoldsNoKey) {
  std::string secret;
  {
    const auto store = open();
    secret = store->create("a", {}, "", noon).value().secret;
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path("state"))) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(bytes.find(secret), std::string::npos) << entry.path();
    const auto mode = std::filesystem::status(entry.path()).permissions();
    EXPECT_EQ(mode & std::filesystem::perms(077), std::filesystem::perms::none) << entry.path();
  }
}

TEST_F(KeyStoreTest, ADaysRequestsAreKept) {
  const auto store = open();
  EXPECT_EQ(store->requests("k", 1).value(), 0u);
  EXPECT_TRUE(store->set_requests("k", 1, 10));
  EXPECT_TRUE(store->set_requests("k", 1, 12));
  EXPECT_EQ(open()->requests("k", 1).value(), 12u);
  EXPECT_TRUE(store->set_requests("k", 2, 1));
  EXPECT_EQ(store->requests("k", 1).value(), 0u) << "yesterday is over";
}

}  // namespace
}  // namespace weir::runlog
