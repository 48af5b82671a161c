#include "crypto/wipe.h"

#include <openssl/crypto.h>

namespace weir::crypto {

void wipe(std::string& text) {
  text.resize(text.capacity());  // what an earlier, longer value left behind, too
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace weir::crypto
