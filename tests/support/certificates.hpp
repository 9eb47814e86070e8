// A certificate authority of our own and certificates by it, made anew for each run.
#pragma once

#include <memory>
#include <string>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace curfew::test {

struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using CertificatePtr = std::unique_ptr<X509, FreeX509>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeX509>;
using ContextPtr = std::unique_ptr<SSL_CTX, FreeX509>;

struct Identity {
  KeyPtr key;
  CertificatePtr certificate;
};

// `names` as OpenSSL's subjectAltName takes them ("DNS:localhost,IP:127.0.0.1"); empty makes an authority. `signer` is
// null for an authority that signs itself. `days` may be negative: expired.
inline Identity make_identity(const std::string& names, const Identity* signer, int days = 2) {
  Identity identity{KeyPtr(EVP_EC_gen("P-256")), CertificatePtr(X509_new())};
  X509* certificate = identity.certificate.get();
  X509_set_version(certificate, 2);
  static long serial = 1;
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -10L * 24 * 3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), static_cast<long>(days) * 24 * 3600);
  X509_set_pubkey(certificate, identity.key.get());
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* common =
      reinterpret_cast<const unsigned char*>(names.empty() ? "Test authority" : "Test server");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
  X509* issuer = signer != nullptr ? signer->certificate.get() : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const auto add = [&](int kind, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  };
  if (names.empty()) add(NID_basic_constraints, "critical,CA:TRUE");
  else add(NID_subject_alt_name, names);
  X509_sign(certificate, signer != nullptr ? signer->key.get() : identity.key.get(), EVP_sha256());
  return identity;
}

inline std::string pem_of(const Identity& identity) {
  BIO* memory = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(memory, identity.certificate.get());
  char* text = nullptr;
  const long length = BIO_get_mem_data(memory, &text);
  std::string pem(text, static_cast<std::size_t>(length));
  BIO_free(memory);
  return pem;
}

inline ContextPtr server_context(const Identity& identity) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_use_certificate(context.get(), identity.certificate.get());
  SSL_CTX_use_PrivateKey(context.get(), identity.key.get());
  return context;
}

}  // namespace curfew::test
