"""Reading one MSD file, an HDF5 file, as `Record`s of bytes; decoding them is in `columns`.

`fast_reader` reads files in the MSD's own layout without the HDF5 library, with `structure` (where the bytes
are) and `storage` (the layout in HDF5's terms). `h5py_reader` reads all others and knows what is wrong with a
file, after `checks` has refused what is not safe to read, in the process of `isolated`. `prefetch` opens
files before they are needed.
"""
