// What prepare.js does; the outcome lists what went wrong.
(async () => {
  const { DEFAULTS, kindOf, preparePicture, readLimits, UnfitPicture } = await import('/prepare.js');
  const wrong = [];
  const same = (what, found, expected) => {
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      wrong.push(`${what}: ${JSON.stringify(found)} (expected: ${JSON.stringify(expected)})`);
    }
  };
  const sample = async (name) => new File([await (await fetch(`/samples/${name}`)).blob()], name);
  const limits = await readLimits();
  same('formats', limits.image_formats.includes('jpeg'), true);
  same('quality', DEFAULTS.quality >= 0.85 && DEFAULTS.quality <= 0.9, true);

  const photo = await sample('large.jpg');
  const large = await preparePicture(photo, { limits });
  same('large', [large.width, large.height, large.changed, large.type, large.name],
    [2048, 1536, true, 'image/jpeg', 'large.jpg']);
  same('smaller', large.blob.size < photo.size, true);

  const small = await preparePicture(await sample('scene.jpg'), { limits });
  same('left alone', [small.changed, small.width, small.height], [false, 640, 480]);

  const turned = await preparePicture(await sample('rotated_90.jpg'), { limits, longestSide: 320 });
  same('upright', [turned.width, turned.height, turned.changed], [240, 320, true]);
  const shown = await createImageBitmap(turned.blob);
  same('upright as it is stored', [shown.width, shown.height], [240, 320]);

  const wide = await preparePicture(await sample('panorama.jpg'), { limits, longestSide: 800 });
  same('shape', [wide.width, wide.height], [800, 200]);
  const few = await preparePicture(photo, { limits: { ...limits, image_pixels: 120_000 } });
  same('pixels', Math.abs(few.width * few.height - 120_000) < 1000, true);
  const converted = await preparePicture(await sample('scene.webp'), { limits: { image_formats: ['jpeg'] } });
  same('another kind', [converted.type, converted.name], ['image/jpeg', 'scene.jpg']);

  const refused = async (file, more) => {
    try {
      await preparePicture(file, { limits: { ...limits, ...more } });
      return 'taken';
    } catch (problem) {
      return problem instanceof UnfitPicture ? problem.message : String(problem);
    }
  };
  same('no picture', (await refused(new File(['hello'], 'a.txt'), {})).startsWith('this file is not a kind'), true);
  same('too big', await refused(await sample('tiny.jpg'), { body_bytes: 100 }), '2430 bytes (expected: at most 100)');
  const bytes = (...values) => new File([new Uint8Array(values)], 'x');
  same('kinds', [
    await kindOf(bytes(0xff, 0xd8, 0xff)), await kindOf(bytes(0x49, 0x49, 0x2a, 0)), await kindOf(bytes(1)),
    await kindOf(new File(['....ftypheic....'], 'x')), await kindOf(new File(['....ftypavif....'], 'x')),
  ], ['jpeg', 'tiff', '', 'heic', 'avif']);
  return wrong;
})()
