#include "secrets/secret_vault.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <map>
#include <thread>

#include "io/atomic_file.h"
#include "io/temporary_folder_for_test.h"
#include "secrets/secret_store.h"

namespace weir::secrets {
namespace {

class FixedClock final : public Clock {
 public:
  Timestamp now() const override { return Timestamp{std::chrono::seconds(1'795'000'000)}; }
};

class SecretVaultTest : public testing::Test {
 protected:
  SecretPlaces places(const std::string& environment = "default") {
    return {folder_.path(), environment, [this](const std::string& name) {
              const auto at = variables_.find(name);
              return at == variables_.end() ? std::nullopt : std::optional(at->second);
            }};
  }
  SecretVault vault(const std::string& environment = "default") {
    return {places(environment), clock_};
  }
  Result<std::string> get(const std::string& name) {
    return open_secret_store(places())->get(name);
  }
  std::string key_text() { return io::read_small_file(places().key_file().string(), 100).value(); }
  std::string file_text() { return io::read_small_file(places().file().string(), 10'000).value(); }
  static void write(const std::filesystem::path& path, const std::string& text) {
    ASSERT_TRUE(io::write_file_atomically(path.string(), text, io::FileAccess::owner_only));
  }

  io::TemporaryFolder folder_;
  std::map<std::string, std::string> variables_;
  const FixedClock clock_;
};

TEST_F(SecretVaultTest, TheFirstSecretMakesKeyAndFile) {
  const auto outcome = vault().set("pg", "first-value");
  ASSERT_TRUE(outcome) << outcome.error().to_string();
  EXPECT_TRUE(outcome->made_key);
  EXPECT_FALSE(outcome->replaced);
  EXPECT_EQ(get("pg").value(), "first-value");
  struct stat status {};
  ASSERT_EQ(::stat(places().key_file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  ASSERT_EQ(::stat(places().file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777 & ~0022u, 0644u & ~0022u);
  // The key is never taken into version control, the file may be.
  EXPECT_EQ(io::read_small_file(folder_.path(".weir/.gitignore"), 100).value(), "*\n");
}

TEST_F(SecretVaultTest, SetReplacesAndLeavesTheOthers) {
  ASSERT_TRUE(vault().set("pg", "first-value"));
  ASSERT_TRUE(vault().set("api", "api-value"));
  const auto outcome = vault().set("pg", "second-value");
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->replaced);
  EXPECT_FALSE(outcome->made_key);
  EXPECT_EQ(get("pg").value(), "second-value");
  EXPECT_EQ(get("api").value(), "api-value");
}

TEST_F(SecretVaultTest, KeepsAnyBytes) {
  const std::string value("\0line\r\nline \xff ", 14);
  ASSERT_TRUE(vault().set("odd", value));
  EXPECT_EQ(get("odd").value(), value);
  ASSERT_TRUE(vault().set("large", std::string(largest_secret_bytes, 'x')));
  EXPECT_EQ(get("large").value(), std::string(largest_secret_bytes, 'x'));
}

TEST_F(SecretVaultTest, RefusesWhatIsNoValueOrNoName) {
  EXPECT_EQ(vault().set("pg", "").error().code, ErrorCode::usage);
  EXPECT_EQ(vault().set("pg", std::string(largest_secret_bytes + 1, 'x')).error().code,
            ErrorCode::usage);
  EXPECT_EQ(vault().set("key", "value").error().code, ErrorCode::usage);
  EXPECT_EQ(vault().set("../x", "value").error().code, ErrorCode::usage);
  EXPECT_FALSE(std::filesystem::exists(places().file()));
}

TEST_F(SecretVaultTest, RemovesOne) {
  ASSERT_TRUE(vault().set("pg", "first-value"));
  ASSERT_TRUE(vault().set("api", "api-value"));
  ASSERT_TRUE(vault().remove("pg"));
  EXPECT_EQ(get("pg").error().code, ErrorCode::not_found);
  EXPECT_EQ(get("api").value(), "api-value");
  EXPECT_EQ(vault().remove("pg").error().code, ErrorCode::not_found);
}

TEST_F(SecretVaultTest, ListsNamesAndSizesAndNeverValues) {
  ASSERT_TRUE(vault().set("pg", "first-value"));
  variables_["WEIR_SECRET_HOOK"] = "from-outside";
  variables_["WEIR_SECRET_API"] = "hides-the-file";
  ASSERT_TRUE(vault().set("api", "api-value")->hidden_by_environment);
  const auto listed = vault().list({"pg", "hook", "nowhere"}).value();
  ASSERT_EQ(listed.size(), 4u);
  EXPECT_EQ(listed[0].name, "api");
  EXPECT_EQ(listed[0].source, ListedSecret::Source::environment);
  EXPECT_EQ(listed[0].size_bytes, 14u);
  EXPECT_EQ(listed[1].source, ListedSecret::Source::environment);
  EXPECT_EQ(listed[2].name, "nowhere");
  EXPECT_EQ(listed[2].source, ListedSecret::Source::missing);
  EXPECT_EQ(listed[3].source, ListedSecret::Source::file);
  EXPECT_EQ(listed[3].size_bytes, 11u);
  EXPECT_EQ(listed[3].set_at, format_timestamp(clock_.now()));
  // Without the key, too.
  std::filesystem::remove(places().key_file());
  EXPECT_EQ(vault().list({}).value().size(), 2u);
}

TEST_F(SecretVaultTest, ADamagedFileIsNeitherListedNorChanged) {
  ASSERT_TRUE(vault().set("pg", "first-value"));
  std::string text = file_text();
  text[text.find("secret pg") + 7] = 'q';
  write(places().file(), text);
  EXPECT_FALSE(vault().list({}));
  EXPECT_FALSE(vault().set("api", "value"));
  EXPECT_FALSE(vault().remove("qg"));
  EXPECT_FALSE(vault().rotate());
  EXPECT_EQ(file_text(), text);
}

TEST_F(SecretVaultTest, WithoutTheKeyNothingIsChanged) {
  ASSERT_TRUE(vault().set("pg", "first-value"));
  const std::string text = file_text();
  std::filesystem::remove(places().key_file());
  EXPECT_EQ(vault().set("pg", "second-value").error().code, ErrorCode::not_found);
  EXPECT_EQ(file_text(), text);
  EXPECT_FALSE(std::filesystem::exists(places().key_file()));
}

TEST_F(SecretVaultTest, RotateSealsEverythingUnderANewKey) {
  ASSERT_TRUE(vault().set("pg", "first-value"));
  ASSERT_TRUE(vault().set("api", "api-value"));
  const std::string old_key = key_text();
  const std::string old_file = file_text();
  const auto id = vault().rotate();
  ASSERT_TRUE(id) << id.error().to_string();
  EXPECT_NE(key_text(), old_key);
  EXPECT_NE(file_text().find("key " + *id), std::string::npos);
  EXPECT_EQ(get("pg").value(), "first-value");
  EXPECT_EQ(get("api").value(), "api-value");
  EXPECT_FALSE(std::filesystem::exists(places().next_key_file()));
  // The old key opens the new file no more, nor the new key the old one.
  variables_["WEIR_SECRET_KEY"] = old_key;
  EXPECT_FALSE(get("pg"));
  variables_.clear();
  write(places().file(), old_file);
  EXPECT_FALSE(get("pg"));
}

TEST_F(SecretVaultTest, ARotationCutShortIsEndedByTheNextChange) {
  ASSERT_TRUE(vault().set("pg", "first-value"));
  const std::string old_key = key_text();
  ASSERT_TRUE(vault().rotate());
  // As it stands between sealing the file and placing the key.
  std::filesystem::rename(places().key_file(), places().next_key_file());
  write(places().key_file(), old_key);
  EXPECT_EQ(get("pg").value(), "first-value");
  ASSERT_TRUE(vault().set("api", "api-value"));
  EXPECT_FALSE(std::filesystem::exists(places().next_key_file()));
  EXPECT_EQ(get("pg").value(), "first-value");
  EXPECT_EQ(get("api").value(), "api-value");
}

TEST_F(SecretVaultTest, AKeyThatARotationDidNotUseIsTakenAway) {
  ASSERT_TRUE(vault().set("pg", "first-value"));
  ASSERT_TRUE(write_key_file(places().next_key_file(), crypto::SealingKey::generate()));
  EXPECT_EQ(get("pg").value(), "first-value");
  ASSERT_TRUE(vault().set("api", "api-value"));
  EXPECT_FALSE(std::filesystem::exists(places().next_key_file()));
  EXPECT_EQ(get("pg").value(), "first-value");
}

TEST_F(SecretVaultTest, AKeyFromTheEnvironmentIsRotatedToOneFromThere) {
  variables_["WEIR_SECRET_KEY"] = crypto::SealingKey::generate().to_text();
  ASSERT_TRUE(vault().set("pg", "first-value"));
  EXPECT_FALSE(std::filesystem::exists(places().key_file()));
  const auto refused = vault().rotate();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::usage);
  EXPECT_NE(refused.error().fix.find(new_key_variable), std::string::npos);
  variables_[new_key_variable] = crypto::SealingKey::generate().to_text();
  ASSERT_TRUE(vault().rotate());
  EXPECT_FALSE(get("pg"));
  variables_["WEIR_SECRET_KEY"] = variables_[new_key_variable];
  EXPECT_EQ(get("pg").value(), "first-value");
}

TEST_F(SecretVaultTest, EachEnvironmentHasItsOwn) {
  ASSERT_TRUE(vault().set("pg", "first-value"));
  ASSERT_TRUE(vault("prod").set("pg", "prod-value"));
  EXPECT_EQ(get("pg").value(), "first-value");
  EXPECT_EQ(open_secret_store(places("prod"))->get("pg").value(), "prod-value");
  EXPECT_TRUE(std::filesystem::exists(folder_.path("weir.prod.secrets")));
}

TEST_F(SecretVaultTest, WhoReadsMeanwhileAlwaysGetsTheValue) {
  ASSERT_TRUE(vault().set("pg", "first-value"));
  std::atomic<bool> stop = false;
  std::thread reader([&] {
    while (!stop) {
      const auto value = get("pg");
      ASSERT_TRUE(value) << value.error().to_string();
      ASSERT_EQ(*value, "first-value");
    }
  });
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(vault().rotate());
  stop = true;
  reader.join();
}

TEST_F(SecretVaultTest, ChangesAtOnceAreNotLost) {
  ASSERT_TRUE(vault().set("pg", "first-value"));
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this, i] {
      EXPECT_TRUE(vault().set("s" + std::to_string(i), "value-" + std::to_string(i)));
      if (i % 4 == 0) {
        EXPECT_TRUE(vault().rotate());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(get("s" + std::to_string(i)).value(), "value-" + std::to_string(i));
  }
}

}  // namespace
}  // namespace weir::secrets
