#include "secrets/secret_store.h"

#include <gtest/gtest.h>

#include <map>

#include "base/redaction.h"
#include "io/atomic_file.h"
#include "io/temporary_folder_for_test.h"
#include "secrets/sealed_file.h"

namespace weir::secrets {
namespace {

class SecretStoreTest : public testing::Test {
 protected:
  SecretPlaces places(const std::string& environment = "default") {
    return {folder_.path(), environment, [this](const std::string& name) {
              const auto at = variables_.find(name);
              return at == variables_.end() ? std::nullopt : std::optional(at->second);
            }};
  }
  std::unique_ptr<SecretStore> store(const std::string& environment = "default") {
    return open_secret_store(places(environment));
  }
  /// A sealed file with one secret, and its key where a key belongs.
  crypto::SealingKey seal(const std::string& name, const std::string& value,
                          const std::string& environment = "default") {
    crypto::SealingKey key = crypto::SealingKey::generate();
    SealedFile file{environment,
                    {},
                    {seal_entry(environment, name, value, "2026-11-20T12:00:00.000000Z", key)}};
    EXPECT_TRUE(io::write_file_atomically(places(environment).file().string(),
                                          write_sealed_file(file, key)));
    EXPECT_TRUE(write_key_file(places(environment).key_file(), key));
    return key;
  }

  io::TemporaryFolder folder_;
  std::map<std::string, std::string> variables_;
};

TEST_F(SecretStoreTest, TakesTheEnvironmentFirstThenTheFile) {
  seal("pg-main", "from-the-file");
  EXPECT_EQ(store()->get("pg-main").value(), "from-the-file");
  variables_["WEIR_SECRET_PG_MAIN"] = "from-the-environment";
  EXPECT_EQ(store()->get("pg-main").value(), "from-the-environment");
}

TEST_F(SecretStoreTest, WhatItGivesIsRedactedFromThenOn) {
  seal("pg", "store-canary-1");
  variables_["WEIR_SECRET_HOOK"] = "store-canary-2";
  EXPECT_EQ(redact("store-canary-1 store-canary-2"), "store-canary-1 store-canary-2");
  ASSERT_TRUE(store()->get("pg"));
  ASSERT_TRUE(store()->get("hook"));
  EXPECT_EQ(redact("store-canary-1 store-canary-2"), "[secret] [secret]");
}

TEST_F(SecretStoreTest, SaysHowToSetWhatIsNotSet) {
  const auto missing = store("prod")->get("pg");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_EQ(missing.error().to_string(),
            "the secret 'pg' is not set; run `weir secret set pg --env prod`, or set "
            "WEIR_SECRET_PG in the environment of weir");
}

TEST_F(SecretStoreTest, AnEmptyVariableIsNoSecret) {
  seal("pg", "from-the-file");
  variables_["WEIR_SECRET_PG"] = "";
  const auto empty = store()->get("pg");
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code, ErrorCode::invalid_input);
}

TEST_F(SecretStoreTest, TheSealingKeyIsNoSecretOfTheProject) {
  const auto key = seal("pg", "value");
  variables_["WEIR_SECRET_KEY"] = key.to_text();
  for (const char* name : {"key", "KEY", "Key"}) {
    const auto got = store()->get(name);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::usage);
  }
  EXPECT_EQ(store()->get("pg").value(), "value");
}

TEST_F(SecretStoreTest, NamesThatAreNoneAreRefused) {
  for (const std::string& name :
       {std::string(), std::string("1a"), std::string("a b"), std::string("a/../b"),
        std::string(101, 'a'), std::string("a\0b", 3), std::string("é")}) {
    const auto got = store()->get(name);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::usage) << name;
  }
}

TEST_F(SecretStoreTest, WithoutTheKeySaysWhereItBelongs) {
  seal("pg", "value");
  std::filesystem::remove(places().key_file());
  const auto got = store()->get("pg");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::not_found);
  EXPECT_NE(got.error().fix.find("WEIR_SECRET_KEY"), std::string::npos);
  EXPECT_NE(got.error().fix.find("secret.key"), std::string::npos);
}

TEST_F(SecretStoreTest, RefusesAKeyThatOthersMayRead) {
  seal("pg", "value");
  for (const unsigned mode : {0640u, 0604u, 0620u, 0666u, 0610u}) {
    std::filesystem::permissions(places().key_file(), std::filesystem::perms(mode));
    const auto got = store()->get("pg");
    ASSERT_FALSE(got) << mode;
    EXPECT_EQ(got.error().code, ErrorCode::invalid_input);
    EXPECT_NE(got.error().fix.find("chmod 600"), std::string::npos);
  }
  std::filesystem::permissions(places().key_file(), std::filesystem::perms(0400));
  EXPECT_EQ(store()->get("pg").value(), "value");
}

TEST_F(SecretStoreTest, AnotherKeyGivesNoValueAndNamesBoth) {
  const auto right = seal("pg", "value");
  const auto other = crypto::SealingKey::generate();
  variables_["WEIR_SECRET_KEY"] = other.to_text();
  const auto got = store()->get("pg");
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message.find(right.id()), std::string::npos);
  EXPECT_NE(got.error().message.find(other.id()), std::string::npos);
  EXPECT_EQ(got.error().to_string().find(other.to_text()), std::string::npos);
}

TEST_F(SecretStoreTest, AFileOfAnotherEnvironmentIsRefusedUnderTheSameKey) {
  const auto key = seal("pg", "for-staging", "staging");
  std::filesystem::rename(places("staging").file(), places("prod").file());
  variables_["WEIR_SECRET_KEY"] = key.to_text();
  const auto got = store("prod")->get("pg");
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message.find("'staging'"), std::string::npos);
}

TEST_F(SecretStoreTest, ASecretSetMeanwhileIsSeen) {
  const auto secrets = store();
  ASSERT_FALSE(secrets->get("pg"));
  seal("pg", "first-value");
  EXPECT_EQ(secrets->get("pg").value(), "first-value");
  seal("pg", "second-value");
  EXPECT_EQ(secrets->get("pg").value(), "second-value");
}

TEST_F(SecretStoreTest, FillInReplacesSecretsAndNothingElse) {
  variables_["WEIR_SECRET_A"] = "${secret:b}";
  variables_["WEIR_SECRET_B"] = "value-b";
  const auto secrets = store();
  EXPECT_EQ(fill_in("", *secrets).value(), "");
  EXPECT_EQ(fill_in("${run.day} ${env:X} $x {y} ${secret:b", *secrets).value(),
            "${run.day} ${env:X} $x {y} ${secret:b");
  EXPECT_EQ(fill_in("<${secret:b}><${secret:b}>", *secrets).value(), "<value-b><value-b>");
  EXPECT_EQ(fill_in("${secret:a}", *secrets).value(), "${secret:b}");
  const auto missing = fill_in("${secret:b} ${secret:c}", *secrets);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().to_string().find("value-b"), std::string::npos);
}

}  // namespace
}  // namespace weir::secrets
