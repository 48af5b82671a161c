#include <cstdint>
#include <cstdlib>
#include <string>

#include "secrets/sealed_file.h"

namespace {

using namespace weir::secrets;

const weir::crypto::SealingKey& key() {
  static const auto key = weir::crypto::SealingKey::from_text(std::string(64, '5')).value();
  return key;
}

/// What parses is spelled in the one way there is: writing it again changes the last line alone,
/// whose nonce is random, and the key's line.
void check_spelling(std::string_view text, const SealedFile& file) {
  const std::string again = write_sealed_file(file, key());
  const size_t entries = text.find("\nsecret ");
  const size_t end = text.rfind("\nend ");
  if (entries == std::string_view::npos) return;
  const size_t behind = again.find("\nsecret ");
  if (again.substr(behind, end - entries) != text.substr(entries, end - entries)) std::abort();
}

}  // namespace

/// The input: the text of a sealed file. Whatever it is: no crash; an error that says where or what
/// to do; and no value, unless the whole file was sealed with the key.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto file = parse_sealed_file(text, "weir.secrets");
  if (!file) {
    if (file.error().fix.empty() || file.error().location.line < 1) std::abort();
    return 0;
  }
  check_spelling(text, *file);
  const auto verified = verify_sealed_file(text, *file, key(), file->environment, "weir.secrets");
  for (const SealedEntry& entry : file->entries) {
    if (file->find(entry.name) != &entry) std::abort();
    const auto value = open_entry(file->environment, entry, key(), "weir.secrets");
    if (verified && !value) std::abort();
    if (value && value->size() != entry.value_bytes()) std::abort();
  }
  return 0;
}
