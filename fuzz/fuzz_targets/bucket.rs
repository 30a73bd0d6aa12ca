#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cloudaudit_exporter_fuzz::bucket(input));
