mod build;
mod checksum;
mod damage;
mod disassemble;
mod installed;
mod tables;
