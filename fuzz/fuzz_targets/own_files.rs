#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| burn_dendrite_fuzz::own_files(data));
